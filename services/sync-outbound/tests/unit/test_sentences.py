"""What a person reads beside a code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import crmlink_sync_outbound
from crmlink_sync_outbound.domain.sentences import OTHER, REFUSED, SENTENCES, UNFIT, sentence

SOURCE = Path(crmlink_sync_outbound.__file__).parent
GIVEN = re.compile(r'(?:skipped|failed|retry)\(\s*"([a-z_]+)"')


def test_every_code_of_ours_has_a_sentence() -> None:
    codes = {code for path in SOURCE.rglob("*.py") for code in GIVEN.findall(path.read_text())}
    assert len(codes) > 10
    assert codes - SENTENCES.keys() == set()


@pytest.mark.parametrize("text", SENTENCES.values())
def test_a_sentence_is_one_line_that_ends(text: str) -> None:
    assert text[0].isupper()
    assert text.endswith(".")
    assert len(text) < 160


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ambiguous", SENTENCES["ambiguous"]),
        ("not_an_email", UNFIT),
        ("too_many_steps", SENTENCES["evaluation_error"]),
        (
            "APEX_ERROR",
            (
                "Code of the org failed on this record. "
                "Ask your Salesforce administrator to look at the code."
            ),
        ),
        ("SOMETHING_NEW", REFUSED),
        ("something_new", OTHER),
    ],
)
def test_a_code_without_a_sentence_of_its_own_gets_one_of_its_kind(
    code: str, expected: str
) -> None:
    assert sentence(code) == expected
