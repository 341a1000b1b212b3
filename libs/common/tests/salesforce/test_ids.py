from __future__ import annotations

import pytest

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.ids import is_id, to_18


@pytest.mark.parametrize(
    ("short", "suffix"),
    [
        ("a01M00000062mPg", "IAI"),
        ("AbCdEfGhIjKlMnO", "VKV"),
        ("aBcDEfgHIJKLMNO", "025"),
        ("001dM00003jU9Gx", "QAK"),
    ],
)
def test_the_suffix_tells_the_case_of_each_letter(short: str, suffix: str) -> None:
    assert to_18(short) == short + suffix
    assert to_18(short + suffix) == short + suffix
    assert to_18(short + suffix.lower()) == short + suffix


@pytest.mark.parametrize(
    "text",
    ["", "003", "a01M00000062mP'", "a01M00000062mPgIA", "a01m00000062mPgIAI", "é01M00000062mPg"],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(InvalidInputError):
        to_18(text)
