"""The catalogue of sentences, the table of classes and the page of the docs say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlink_common.salesforce.error_classes import (
    SalesforceError,
    SalesforceLimitError,
    SalesforceNotConnectedError,
    SalesforcePermanentError,
    SalesforceTransientError,
    SalesforceUnknownOutcomeError,
)
from crmlink_common.salesforce.error_codes import BY_CODE, PASSING, WHAT_WE_DO
from crmlink_common.salesforce.errors import failure, lost
from crmlink_common.salesforce.explanations import (
    BUSY,
    EXPLANATIONS,
    NOT_CONNECTED,
    REFUSED,
    UNKNOWN,
    USED_UP,
    Explanation,
    explain,
)

PAGE = Path(__file__).parents[4] / "docs" / "salesforce-errors.md"
ELSEWHERE = {"INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ANSWER"}  # decided by more than a code


def row(code: str) -> str:
    kind = class_of(code)
    told = explain(code)
    seen = f"{told.message} {told.cure}".strip()
    return f"| `{code}` | `{kind.__mro__[2].__name__}` | {WHAT_WE_DO[kind]} | {seen} |"


def class_of(code: str) -> type[SalesforceError]:
    if code == "MALFORMED_ANSWER":
        return type(lost(code, repeatable=True))
    status = int(code.removeprefix("http_")) if code.startswith("http_") else 400
    return type(failure([{"errorCode": code}], status=status, repeatable=True))


def test_every_code_that_has_a_class_has_its_sentences_and_no_other() -> None:
    explained = {code for code in EXPLANATIONS if not code.startswith("http_")}
    assert explained == set(BY_CODE) | PASSING | ELSEWHERE


def test_the_page_of_the_docs_is_the_catalogue() -> None:
    told = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    rows = [row(code) for code in EXPLANATIONS]
    assert [line for line in told if line.count(" | ") == 3] == rows


@pytest.mark.parametrize("told", EXPLANATIONS.values())
def test_sentences_are_sentences(told: Explanation) -> None:
    for text in filter(None, (told.message, told.cure)):
        assert text[0].isupper()
        assert text.endswith(".")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SalesforceLimitError("NEW"), USED_UP),
        (SalesforceNotConnectedError("NEW"), NOT_CONNECTED),
        (SalesforceUnknownOutcomeError("ReadTimeout"), UNKNOWN),
        (SalesforceTransientError("ConnectError"), BUSY),
        (SalesforcePermanentError("NEW"), REFUSED),
    ],
)
def test_a_code_that_nobody_knows_has_the_sentences_of_its_class(
    error: SalesforceError, expected: object
) -> None:
    assert explain(error.code, error) == expected


def test_without_an_error_the_code_says_what_it_can() -> None:
    assert explain("http_503") == BUSY
    assert explain("NEW") == REFUSED
