"""Expressions of formulas and rules; letter case in every alphabet; data of an older schema."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.expressions import ExpressionError, Record, worked_out
from crmlink_salesforce_sim.folding import folded, install
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.options import Options

ADA = Record({"Name": "Ada", "Amount": 10.0, "None": None}, {"Name": "Bea", "Amount": 10.0})


@pytest.mark.parametrize(
    ("expression", "worth"),
    [
        (5, 5),
        (True, 1),
        (["field", "Name"], "Ada"),
        (["+", 1, ["*", 2, ["field", "Amount"]]], 21),
        (["/", 1, 0], None),
        (["-", ["field", "None"], 1], None),
        (["&", ["field", "Name"], " ", ["field", "None"]], "Ada "),
        (["if", ["blank", ["field", "None"]], "empty", ["nope"]], "empty"),
        (["and", ["changed", "Name"], ["not", ["changed", "Amount"]]], 1),
        (["or", ["new"], ["<", ["field", "None"], 5]], 0),
        (["in", ["field", "Name"], ["Ada", "Eve"]], 1),
        (["like", ["field", "Name"], "A.*"], 1),
        (["upper", ["left", ["field", "Name"], 2]], "AD"),
        (["length", ["digits", "a1b22"]], 3),
        (["title", ["lower", " ÉMILE"]], " Émile"),
    ],
)
def test_an_expression_is_worth(expression: object, worth: object) -> None:
    assert worked_out(expression, ADA) == worth


@pytest.mark.parametrize(
    "expression", [[], {}, ["nope"], ["+", 1], ["<", 1, "a"], ["like", "a", "("], [["field"]]]
)
def test_an_expression_that_means_nothing_says_so(expression: object) -> None:
    with pytest.raises(ExpressionError):
        worked_out(expression, ADA)


def test_an_expression_has_a_bottom() -> None:
    deep: object = 1
    for _ in range(50):
        deep = ["not", deep]
    with pytest.raises(ExpressionError):
        worked_out(deep, ADA)


@given(st.text(), st.text())
def test_sql_compares_text_as_the_folded_values_do(one: str, other: str) -> None:
    """Facts §3: strings compare case-insensitively."""
    connection = sqlite3.connect(":memory:")
    install(connection)
    try:
        one, other = (text.encode(errors="ignore").decode() for text in (one, other))
        found = connection.execute("SELECT ? = ? COLLATE NOCASE", (one, other)).fetchone()
        assert bool(found[0]) == (folded(one) == folded(other))
    finally:
        connection.close()


def test_a_data_file_of_an_older_schema_gets_what_it_lacks(tmp_path: Path) -> None:
    data = tmp_path / "org.sqlite"
    few = Amounts(1, 2, 1, 0, 0, 0, 0, 0, 0)
    build(Options(data=data, amounts=few)).org.close()
    old = sqlite3.connect(data)
    for statement in (
        'DROP INDEX "Contact.Legacy_Id__c"',
        'ALTER TABLE Contact DROP COLUMN "Legacy_Id__c"',
        'DROP TABLE "Care_Plan__c"',
        'CREATE INDEX "Contact_Email" ON Contact (Email, Id)',
        "DELETE FROM RecordType",
    ):
        old.execute(statement)
    old.commit()
    old.close()
    server = build(Options(data=data, amounts=few))
    contact = server.org.schema.objects["Contact"]
    with server.org.writing(server.identity.user_id, "") as writer:
        made = writer.create(contact, {"LastName": "x", "Legacy_Id__c": "1"})
        writer.create(server.org.schema.objects["Care_Plan__c"], {"Contact__c": made})
    with server.org.store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM RecordType").fetchone()[0] > 0
        statement = "SELECT 1 FROM sqlite_master WHERE name = 'Contact_Email'"
        assert connection.execute(statement).fetchone() is None
    server.org.close()
