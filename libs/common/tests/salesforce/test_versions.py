from __future__ import annotations

import pytest

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token
from crmlink_common.salesforce.versions import (
    SINCE,
    Feature,
    LackingError,
    VersionRefusedError,
    checked_version,
    choose_version,
    has,
    read_versions,
)

OFFERED = ["31.0", "42.0", "59.0", "66.0", "100.0", "junk"]


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("59.0", "59.0"), (" V66.0 ", "66.0"), ("newest", "100.0")]
)
def test_the_wanted_version_is_used(wanted: str, chosen: str) -> None:
    assert choose_version(wanted, OFFERED) == chosen


@pytest.mark.parametrize("wanted", ["58.0", "31.0", "41.0", "", "59", "59.1", "x", "../59.0"])
def test_a_version_that_is_not_offered_or_too_old_is_refused_with_a_cure(wanted: str) -> None:
    with pytest.raises(VersionRefusedError) as caught:
        choose_version(wanted, OFFERED)
    assert (caught.value.code, caught.value.field) == ("api_version_refused", "api_version")
    assert caught.value.cure


@pytest.mark.parametrize("wanted", ["newest", "59.0"])
@pytest.mark.parametrize("offered", [[], ["junk"], ["31.0"]])
def test_what_offers_nothing_usable_is_refused(wanted: str, offered: list[str]) -> None:
    with pytest.raises(VersionRefusedError):
        choose_version(wanted, offered)


def test_a_version_is_told_without_its_letter() -> None:
    assert [checked_version(one) for one in ("v59.0", "Newest", "42.0")] == [
        "59.0",
        "newest",
        "42.0",
    ]


def test_every_feature_came_with_a_version() -> None:
    assert set(SINCE) == set(Feature)
    assert not has("50.0", Feature.FIELDS_FUNCTION)
    assert has("51.0", Feature.FIELDS_FUNCTION)
    assert has("100.0", Feature.NESTED_SUBQUERIES)


def test_versions_are_read_oldest_first() -> None:
    """Facts §0: keys label, url, version."""
    rows = [
        {"label": "Winter '27", "url": "/services/data/v100.0", "version": "100.0"},
        {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"},
        {"version": "next"},
        7,
    ]
    assert [(one.number, one.label) for one in read_versions(rows)] == [
        ("31.0", "Summer '14"),
        ("100.0", "Winter '27"),
    ]


async def test_what_a_version_lacks_is_not_asked_for() -> None:
    fake = FakeOrg(tokens=FakeTokens([a_token(api_version="35.0")]))
    org = await fake.open()
    for refused in (org.retrieve("Contact", [], []), org.record_counts(["Contact"])):
        with pytest.raises(LackingError) as caught:
            await refused
        assert isinstance(caught.value, InvalidInputError)
        assert "newer" in str(caught.value.cure)
    assert fake.asked == []
