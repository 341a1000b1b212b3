"""Every preset of the catalogue, with good and bad input."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from crmlink_common.errors import InvalidInputError
from crmlink_common.mapping.errors import EvaluationError
from crmlink_common.mapping.presets import PRESETS, catalogue, parse_preset


@pytest.mark.parametrize(
    ("preset", "value", "result"),
    [
        ("trim", "  a b ", "a b"),
        ("trim", [" a", 1], ["a", "1"]),
        ("lower", "ÄB", "äb"),
        ("upper", "straße", "STRASSE"),
        ("title", "ada o'neill-smith don't", "Ada O'Neill-Smith Don't"),
        ("email", " Ada@Example.COM ", "ada@example.com"),
        ("phone_e164", "020 7946 0123", "+442079460123"),
        ("phone_e164('US')", "(212) 555-0123", "+12125550123"),
        ("phone_national", "+442079460123", "020 7946 0123"),
        ("first_name", "Ada  King Lovelace", "Ada"),
        ("first_name", "Lovelace, Ada", "Ada"),
        ("first_name", "Madonna", ""),
        ("last_name", "Ludwig van Beethoven", "van Beethoven"),
        ("last_name", "Lovelace, Ada", "Lovelace"),
        ("last_name", "Madonna", "Madonna"),
        ("full_name", " Ada   Lovelace ", "Ada Lovelace"),
        ("full_name", ["Ada", None, "Lovelace"], "Ada Lovelace"),
        ("full_name", {"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace"),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "2026/01/31", "2026-01-31"),
        ("date", "2026-01-31T23:30:00-08:00", "2026-01-31"),
        ("date('%d/%m/%Y')", "31/01/2026", "2026-01-31"),
        ("datetime", "2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z"),
        ("datetime", "2026-01-31", "2026-01-31T00:00:00Z"),
        ("datetime", 1_769_860_800, "2026-01-31T12:00:00Z"),
        ("datetime", 1_769_860_800_000, "2026-01-31T12:00:00Z"),
        ("datetime('%d.%m.%Y %H:%M')", "31.01.2026 12:00", "2026-01-31T12:00:00Z"),
        ("number", "1,234.50", 1234.5),
        ("number", "1 234", 1234),
        ("number", -2.5, -2.5),
        ("integer", "42", 42),
        ("integer", 42.0, 42),
        ("boolean", "Yes", True),
        ("boolean", "off", False),
        ("boolean", 1, True),
        ("truncate(3)", "abcdef", "abc"),
        ("default('n/a')", "  ", "n/a"),
        ("default(0)", "x", "x"),
        ("map({'gold': 'Gold member'})", "GOLD", "Gold member"),
        ('map({"gold": "Gold", "*": "Other"})', "tin", "Other"),
        ("split(',')", "a, b,,c", ["a", "b", "c"]),
        ("join(', ')", ["a", "", "b"], "a, b"),
        ("picklist", ["Gold"], "Gold"),
        ("picklist", " Gold ", "Gold"),
        ("multipicklist", ["a", "b", "a"], "a;b"),
        ("multipicklist", "a, b", "a;b"),
        ("multipicklist", "a; b, c", "a;b, c"),
    ],
)
def test_what_a_preset_makes(preset: str, value: JsonValue, result: JsonValue) -> None:
    found = parse_preset(preset).apply(value, region="GB")
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(
    ("preset", "value", "reason"),
    [
        ("email", "ada at example", "not_an_email"),
        ("email", "a@b.com, c@d.com", "not_an_email"),
        ("phone_e164", "call me", "not_a_phone"),
        ("phone_e164", "123", "not_a_phone"),
        ("phone_national", "1" * 70, "not_a_phone"),
        ("date", "31/01/2026", "not_a_date"),
        ("date", "2026-02-30", "not_a_date"),
        ("date('%d/%m/%Y')", "2026-01-31", "not_a_date"),
        ("datetime", "tomorrow", "not_a_datetime"),
        ("datetime", 10**30, "not_a_datetime"),
        ("number", "12 apples", "not_a_number"),
        ("number", "1,23", "not_a_number"),
        ("number", "1e999", "not_a_number"),
        ("number", True, "not_a_number"),
        ("integer", "4.2", "not_an_integer"),
        ("integer", "x", "not_an_integer"),
        ("boolean", "maybe", "not_a_boolean"),
        ("map({'a': 'b'})", "c", "not_in_table"),
        ("picklist", ["a", "b"], "more_than_one_value"),
        ("multipicklist", ["a;b"], "semicolon_in_value"),
    ],
)
def test_what_cannot_be_converted_is_refused_by_code(
    preset: str, value: JsonValue, reason: str
) -> None:
    bound = parse_preset(preset)
    with pytest.raises(EvaluationError) as refused:
        bound.apply(value, region="GB")
    assert refused.value.reason == reason
    assert reason in bound.preset.reasons


@pytest.mark.parametrize("name", sorted(PRESETS.keys() - {"default", "map", "split"}))
@pytest.mark.parametrize("blank", ["", None])
def test_nothing_stays_nothing(name: str, blank: JsonValue) -> None:
    needed = {"truncate": "truncate(3)", "join": "join(',')"}.get(name, name)
    assert parse_preset(needed).apply(blank) == ""


@pytest.mark.parametrize(
    "text",
    [
        "shout",
        "truncate",
        "truncate('x')",
        "truncate(-1)",
        "truncate(1, 2)",
        "trim(1)",
        "map({})",
        "map(['a'])",
        "map({'a': 'b')",
        "default(open('x'))",
        "trim; lower",
    ],
)
def test_a_preset_that_cannot_be_read_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_preset(text)
    assert str(refused.value).endswith(".")


def test_the_catalogue_is_complete() -> None:
    assert [entry["name"] for entry in catalogue()] == list(PRESETS)
    assert len(PRESETS) == 22
    assert catalogue()[5]["parameters"] == [{"name": "region", "kind": "text", "required": False}]
