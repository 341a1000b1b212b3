"""Facts §2: rules of the org's own, which refuse what is well-formed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .asking import Asking
from .world import Control

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]


@pytest.fixture
def rules(control: Control) -> Iterator[Control]:
    yield control
    control.reset()


@fact("F2.26", "F10.17")
def test_a_validation_rule_answers_in_its_author_s_words(ask: Asking, rules: Control) -> None:
    text = "A title needs a department."
    when = ["=", ["field", "Title"], "Refused by rule"]
    rule = {"object": "Contact", "name": "Title", "when": when, "message": text}
    rules.tell("automation", {"validationRules": [rule]})
    told = ask.no_create("Contact", LastName="x", Title="Refused by rule")
    assert (told.status, told.code) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert told.message == text
    assert ask.create("Contact", LastName="x", Title="Fine")


@fact("F2.34", "F2.35", "F2.36", "F10.17")
def test_a_duplicate_rule_names_what_it_found_and_can_be_passed(
    ask: Asking, rules: Control, name: Names
) -> None:
    rule = {"object": "Contact", "name": "Standard_Contact_Duplicate_Rule", "match": [["Email"]]}
    rules.tell("automation", {"duplicateRules": [rule]})
    email = f"{name()}@example.com"
    first = ask.create("Contact", LastName="Twin", Email=email)
    answer = ask.send("POST", "sobjects/Contact", json={"LastName": "Twin", "Email": email})
    [error] = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    assert error["message"] == "Use one of these records?"
    found = error.get("duplicateResut") or error["duplicateResult"]
    assert found["duplicateRuleEntityType"] == "Contact"
    assert {"allowSave", "duplicateRule", "errorMessage"} <= set(found)
    [result] = found["matchResults"]
    assert {"entityType", "errors", "matchEngine", "rule", "size", "success"} <= set(result)
    [match] = result["matchRecords"]
    assert {"additionalInformation", "fieldDiffs", "matchConfidence"} <= set(match)
    assert match["record"]["Id"] == first
    passed = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    body = {"LastName": "Twin", "Email": email}
    assert ask.send("POST", "sobjects/Contact", json=body, headers=passed).status_code == 201
