"""Record ids."""

import pytest

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import checksum, full_id, make_id, number_of, required_id


@pytest.mark.parametrize(
    ("short", "suffix"),
    [
        ("a01M00000062mPg", "IAI"),
        ("AbCdEfGhIjKlMnO", "VKV"),
        ("aBcDEfgHIJKLMNO", "025"),
        ("001dM00003jU9Gx", "QAK"),
    ],
)
def test_the_suffix_is_that_of_the_known_examples(short: str, suffix: str) -> None:
    """Facts §5: the four verified ids."""
    assert checksum(short) == suffix
    assert full_id(short) == short + suffix


def test_a_long_id_works_in_any_letter_case() -> None:
    """Facts §5: that is what the suffix is for."""
    assert full_id("001DM00003JU9GXQAK") == "001dM00003jU9GxQAK"


@pytest.mark.parametrize("text", ["", "abc", "003dM0000000001QA", "0" * 19, "003dM000000000!"])
def test_what_is_no_id_is_refused(text: str) -> None:
    """Facts §2: MALFORMED_ID."""
    with pytest.raises(ApiError) as refused:
        required_id(text)
    assert refused.value.code == "MALFORMED_ID"
    assert refused.value.message == f"malformed id {text}"


def test_ids_sort_as_they_were_made_and_tell_their_number() -> None:
    made = [make_id("003", number) for number in (1, 61, 62, 3844, 10**9)]
    assert made == sorted(made)
    assert [number_of(one) for one in made] == [1, 61, 62, 3844, 10**9]
