"""Facts §5: which keys are the same, and which a path can carry."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.salesforce.write_keys import (
    find,
    id_key,
    in_path,
    is_usual,
    key_of,
    rounds,
    without,
)


@pytest.mark.parametrize(
    ("value", "usual"),
    [
        ("M-1001", True),
        ("a b", True),
        ("ada+1@example", True),
        (17, True),
        ("ada@example.com", False),  # its end may be a file's
        ("ada@example.inc", False),
        ("a/b", False),
        ("a\\b", False),
        ("..", False),
        ("", False),
        (" a", False),
        ("Ödön", False),
        ("a?b", False),
        ("a;b", False),
        (1.5, False),
        (True, False),
        (None, False),
        ("x" * 256, False),
    ],
)
def test_only_plain_values_stand_in_a_path(value: object, *, usual: bool) -> None:
    assert is_usual(value) is usual


@given(st.text(max_size=30))
def test_an_encoded_value_is_one_segment_and_comes_back(value: str) -> None:
    assert not set(in_path(value)) & set("/?#+ ;")
    assert unquote(in_path(value)) == value


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("abc", "ABC", True),
        (" abc", "abc", True),
        (1, "1", True),
        (1.0, "1", True),
        ("01", "1", False),
        ("abcdefghijklmno", "ABCDEFGHIJKLMNO", True),
    ],
)
def test_external_ids_compare_as_salesforce_does(one: object, other: object, *, same: bool) -> None:
    assert (key_of(one) == key_of(other)) is same


def test_short_and_long_ids_are_the_same() -> None:
    assert id_key("001dM00003jU9Gx") == id_key("001dM00003jU9GxQAK")
    assert id_key("001dM00003jU9Gx") != id_key("001DM00003JU9GX")


@pytest.mark.parametrize("value", [None, "", "  ", True, [], {}])
def test_what_is_no_key(value: object) -> None:
    assert key_of(value) is None


def test_fields_are_found_and_left_out_in_any_case() -> None:
    assert find({"key__C": 1}, "Key__c") == 1
    assert find({"x": 1}, "Key__c") is None
    assert without({"ID": 1, "x": 2, "attributes": {}}, "Id", "Attributes") == {"x": 2}


@given(st.lists(st.none() | st.sampled_from("abc"), max_size=20))
def test_no_key_is_twice_in_a_round_and_each_keeps_its_order(keys: list[str | None]) -> None:
    parted = rounds(keys)
    assert sorted(n for one in parted for n in one) == list(range(len(keys)))
    for one in parted:
        named = [keys[n] for n in one if keys[n] is not None]
        assert len(named) == len(set(named))
    for key in "abc":
        assert [n for one in parted for n in one if keys[n] == key] == [
            n for n, other in enumerate(keys) if other == key
        ]
