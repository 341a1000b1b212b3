"""Equality as Salesforce stores it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from crmlink_common.mapping import same_value

TEXT_TYPES = [None, "string", "email", "phone", "picklist", "date", "datetime", "double"]


@pytest.mark.parametrize(
    ("a", "b", "field_type"),
    [
        (None, "", None),
        (None, "   ", "string"),
        ([], "", "multipicklist"),
        (None, False, "boolean"),
        ("true", True, "boolean"),
        (" Ada ", "Ada", "string"),
        ("Zoe\u0308", "Zo\u00eb", "string"),
        ("a\r\nb", "a\nb", "textarea"),
        ("Ada@Example.com", "ada@example.com", "email"),
        ("Ada@Example.com", "ada@example.com", None),
        (3, 3.0, None),
        ("3.0", 3, "double"),
        ("3", 3, None),
        (3, "3", "string"),
        ("2026-01-31T12:00:00.000+0000", "2026-01-31T13:00:00+01:00", "datetime"),
        ("2026-01-31T12:00:00.000+0000", "2026-01-31T12:00:00Z", None),
        ("2026-01-31T12:00:00.900Z", "2026-01-31T12:00:00Z", "datetime"),
        ("2026-01-31", "2026-01-31T00:00:00Z", "date"),
        ("b;a", ["a", "b"], "multipicklist"),
        ("003000000000001AAA", "003000000000001", "reference"),
        ({"a": 1}, {"a": 1}, None),
    ],
)
def test_these_are_the_same(a: JsonValue, b: JsonValue, field_type: str | None) -> None:
    assert same_value(a, b, field_type)
    assert same_value(b, a, field_type)


@pytest.mark.parametrize(
    ("a", "b", "field_type"),
    [
        ("Ada", "ada", None),
        ("Ada", "ada", "string"),
        ("", "0", "double"),
        (0, None, "double"),
        (0, "", None),
        (True, False, "boolean"),
        (True, 1, None),
        ("2026-01-31T12:00:01Z", "2026-01-31T12:00:00Z", "datetime"),
        ("2026-01-31", "2026-02-01", "date"),
        ("a;b", "a", "multipicklist"),
        ("003000000000001AAA", "003000000000002AAA", "id"),
        ("00300000000000aAAA", "00300000000000AAAA", "id"),
        ("020 7946 0123", "+442079460123", "phone"),
        ({"a": 1}, "a", None),
    ],
)
def test_these_differ(a: JsonValue, b: JsonValue, field_type: str | None) -> None:
    assert not same_value(a, b, field_type)
    assert not same_value(b, a, field_type)


json_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(json_values, json_values, st.sampled_from(TEXT_TYPES))
def test_it_is_reflexive_and_symmetric(a: JsonValue, b: JsonValue, field_type: str | None) -> None:
    assert same_value(a, a, field_type)
    assert same_value(a, b, field_type) == same_value(b, a, field_type)
