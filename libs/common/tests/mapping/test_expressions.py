"""CEL texts: what they give, what is refused, and what stays within bounds."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from crmlink_common.mapping.cel import compile_expression
from crmlink_common.mapping.errors import EvaluationError, ExpressionError

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SOURCE: dict[str, Any] = {
    "email": "Ada@Example.com",
    "phone": None,
    "name": "Ada Lovelace",
    "labels": ["vip", "founder"],
    "archived": False,
    "fields": {"plan": "basic", "seats": 3, "rate": 1.5, "none": None, "salesforce:id": "003A"},
}


def evaluate(text: str, source: dict[str, Any] | None = None) -> JsonValue:
    variables = {"source": source or SOURCE, "target": {}, "workspace": {"id": "w1"}, "now": NOW}
    return compile_expression(text).evaluate(variables)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("source.email != ''", True),
        ("source.phone != ''", False),
        ("source.locale == ''", True),
        ("source.fields.none == ''", True),
        ("source.fields.unheard_of == ''", True),
        ("source.fields['salesforce:id'] == '003A'", True),
        ("source.fields['salesforce:owner_id'] == ''", True),
        ("target.Email == ''", True),
        ("target.Account.Name == ''", True),
        ("target.Account.Owner['Name'] + 'x'", "x"),
        ("source.fields.seats != ''", True),
        ("source.fields.seats == '3'", False),
        ("source.fields.seats == 3.0", True),
        ("source.archived == ''", False),
        ("source.fields.plan in ['basic', 'plus']", True),
        ("'plan' in source.fields", True),
        ("!source.archived && source.fields.seats > 2", True),
        ("source.phone == '' || source.fields.seats / 0 == 1", True),
        ("source.phone == '' ? 'none' : source.phone", "none"),
        ("source.fields.seats > 2 ? (source.archived ? 'a' : 'b') : 'c'", "b"),
        ("source.name.contains('Love') && source.name.startsWith('Ada')", True),
        ("source.email.matches('^[A-Z].*@') && source.email.endsWith('.com')", True),
        ("source.labels.map(x, x + '!')", ["vip!", "founder!"]),
        ("source.labels.filter(x, x != 'vip')", ["founder"]),
        ("source.labels.exists(x, x == 'vip')", True),
        ("source.labels.all(x, x != '')", True),
        ("source.labels.exists_one(x, x == 'vip')", True),
        ("source.labels.map(x, source.labels.map(y, x + y))[1][0]", "foundervip"),
        ("source.labels.size() + size(source.name)", 14),
        ("source.labels[0]", "vip"),
        ("source.fields.seats * 2 - 1", 5),
        ("source.fields.rate * 2.0", 3.0),
        ("source.fields.seats % 2", 1),
        ("int('5') + 1", 6),
        ("string(source.fields.seats) + ' seats'", "3 seats"),
        ("double('1.5')", 1.5),
        ("now > timestamp('2026-01-01T00:00:00Z')", True),
        ("now - duration('3600s')", "2026-01-31T11:00:00Z"),
        ("now.getFullYear()", 2026),
        ("workspace.id", "w1"),
        ("{'basic': 'B'}[source.fields.plan]", "B"),
        ("'it\\'s \\u00e9\\n'", "it's é\n"),
        ("trim('  a ')", "a"),
        ("source.email.lower()", "ada@example.com"),
        ("last_name(source.name)", "Lovelace"),
        ("map(source.fields.plan, {'basic': 'Basic plan'})", "Basic plan"),
        ("default(source.phone, 'none')", "none"),
        ("full_name(source.first_name, source.name)", "Ada Lovelace"),
        ("phone_e164('020 7946 0123', 'GB')", "+442079460123"),
        ("split('a, b', ',').map(x, upper(x)).join('-')", "A-B"),
    ],
)
def test_what_a_form_gives(text: str, value: JsonValue) -> None:
    found = evaluate(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("source.email !=", 16, "not a CEL expression"),
        ("source.email ! 'x'", 14, "not a CEL expression"),
        ("", 1, "not a CEL expression"),
        ("sorce.email == ''", 1, "no name sorce"),
        ("'a' + shout(source.email)", 7, "no function shout"),
        ("source.email.shout()", 1, "no function shout"),
        ("has(source.email) ? source.email : 'y'", 1, "absent attribute is ''"),
        ("source == target", 1, "through an attribute"),
        ("source[source.email]", 1, "literally"),
        ("source.email == null", 17, "null"),
        ("b'abc'", 1, "Bytes"),
        ("'''x'''", 1, "Triple-quoted"),
        (".source.email", 1, "dot"),
        ("Message{a: 1}", 1, "Messages"),
        ("__class__", 1, "no name"),
        ("nested_activation", 1, "no name"),
        ("source.labels.map(source, source)", 1, "taken"),
        ("source.labels.map(x)", 1, "takes a name"),
        ("source.labels.map(__x, __x)", 1, "taken"),
        ("source.labels.reduce(a, b, 0, a)", 1, "no function reduce"),
        ("[1].map(a, [1].map(b, [1].map(c, c)))", 23, "2 deep"),
        (" + ".join(["[1].map(a, a)"] * 5), 65, "At most 4"),
        ("(" * 40 + "1" + ")" * 40, 31, "deeply"),
        ("'" + "x" * 2_000 + "'", 1, "2000 characters"),
        ("+".join(["'a'"] * 400), 1, "too complex"),
    ],
)
def test_what_is_refused_and_where(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text)
    assert words in str(refused.value)
    assert (refused.value.line, refused.value.column) == (1, column)


def test_an_error_further_down_names_its_line() -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression("source.email != '' &&\n  sorce.phone != ''")
    assert (refused.value.line, refused.value.column) == (2, 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("source.labels.map(x, source.labels.map(y, x)).size() > 0 ? source.name * 3 : ''", None),
        ("source.name % 3", None),
        ("source.fields.seats / 0", None),
        ("source.name ? 1 : 2", None),
        ("source.name.first", None),
        ("int(source.name)", None),
        ("timestamp(source.name)", None),
        ("source.name.matches('(')", "bad_pattern"),
        ("source.labels[7]", None),
        ("9223372036854775807 + 1", None),
        ("source.name.exists(x, x)", None),
        ("phone_e164(source.name)", "not_a_phone"),
        ("truncate(source.name, 'x')", "wrong_arguments"),
        ("email(source.name) + 'x'", "not_an_email"),
        ("source.name == 'x' ? 'y' : number(source.name)", "not_a_number"),
    ],
)
def test_a_failure_is_a_code_without_data(text: str, reason: str | None) -> None:
    with pytest.raises(EvaluationError) as failed:
        evaluate(text)
    assert str(failed.value) == (reason or "evaluation_error")
    assert failed.value.__suppress_context__


def test_nothing_is_logged_of_the_data(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(EvaluationError):
        evaluate("int(source.email)")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("source.labels.size()", "list_too_long"),
        ("source.name + source.name", "too_large"),
        ("source.role.map(x, [1]).size()", "too_many_steps"),
        ("[source.email, source.email].join('')", "too_large"),
    ],
)
def test_what_grows_too_large_is_stopped(text: str, reason: str) -> None:
    huge = {
        "labels": ["x"] * 101,
        "name": "x" * 600_000,
        "role": "x" * 60_000,
        "email": "x" * 100_000,
    }
    with pytest.raises(EvaluationError) as failed:
        evaluate(text, huge)
    assert failed.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        " || ".join(["a + b == 'x'"] * 60),
        "title(a + b)",
        "a.matches(b)",
    ],
)
def test_full_lists_within_each_other_end_within_the_account(body: str) -> None:
    program = compile_expression(f"source.labels.map(a, source.labels.map(b, {body})).size()")
    source = {"labels": ["y" * 200] * 100}
    with pytest.raises(EvaluationError) as failed:
        program.evaluate({"source": source, "target": {}, "workspace": {}, "now": NOW})
    assert failed.value.reason in {"too_many_steps", "too_large"}


def test_the_same_variables_give_the_same_value_and_are_left_alone() -> None:
    before = repr(SOURCE)
    program = compile_expression("source.labels.map(x, x + source.name)")
    variables = {"source": SOURCE, "target": {}, "workspace": {}, "now": NOW}
    assert program.evaluate(variables) == program.evaluate(variables)
    assert repr(SOURCE) == before


def test_what_an_expression_reads_is_known() -> None:
    reads = compile_expression(
        "source.email + source.fields['a b'] + source['locale'] + target.Account.Name"
        " + source.fields[source.role] + source.labels.map(x, x + target.Title)[0]"
    ).reads
    assert reads.source == {"email", "fields.a b", "locale", "fields", "role", "labels"}
    assert reads.target == {"Account.Name", "Title"}
