"""What no server should send, and what no caller should ask: typed errors, and no data in them."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from crmlink_common.errors import (
    ConflictError,
    CrmLinkError,
    InvalidInputError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.client import Org
from crmlink_common.salesforce.errors import failure, row_failure
from crmlink_common.salesforce.fakes import NOON, FakeOrg, FakeTokens, a_token, an_error
from crmlink_common.salesforce.opening import Timeouts
from crmlink_common.salesforce.records import own_path
from crmlink_common.salesforce.searches import Search
from crmlink_common.salesforce.tokens import AccessToken

Ask = Callable[[Org], Awaitable[object]]
HALF = "Ada \ud800"
ENDLESS = b'{"totalSize":1e999,"done":true,"records":[]}'


@pytest.fixture
def fake() -> FakeOrg:
    return FakeOrg()


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -1400", "noon"])
async def test_an_impossible_date_of_an_answer_is_no_time(fake: FakeOrg, date: str) -> None:
    fake.answers = [httpx.Response(200, json={"x": 1}, headers={"date": date})]
    org = await fake.open()
    assert await org.limits() == {"x": 1}
    assert org.server_time is None


@pytest.mark.parametrize("wait", ["9" * 5000, "-1", "1.5", "soon"])
async def test_a_wait_that_is_no_number_is_not_kept(fake: FakeOrg, wait: str) -> None:
    odd = httpx.Response(503, headers=[(b"retry-after", wait.encode())])
    fake.answers = [odd, {"x": 1}]
    assert await (await fake.open()).limits() == {"x": 1}
    assert fake.slept == [0.2]


async def test_who_asks_us_to_wait_long_is_not_asked_again_at_once(fake: FakeOrg) -> None:
    fake.answers = [an_error(503, **{"retry-after": "7200"})]
    with pytest.raises(TransientError) as caught:
        await (await fake.open()).limits()
    assert caught.value.retry_after == timedelta(hours=2)
    assert fake.slept == []


async def test_a_page_with_an_infinite_count_may_be_asked_for_again(fake: FakeOrg) -> None:
    fake.answers = [httpx.Response(200, content=ENDLESS)]
    with pytest.raises(TransientError):
        await (await fake.open()).query("SELECT Id FROM Account")


async def test_a_time_beyond_the_calendar_may_be_asked_for_again(fake: FakeOrg) -> None:
    fake.answers = [{"ids": [], "latestDateCovered": "0001-01-01T00:00:00+14:00"}]
    with pytest.raises(TransientError):
        await (await fake.open()).updated("Account", NOON - timedelta(days=1), NOON)


def test_an_address_that_is_none_has_no_path_of_the_api() -> None:
    with pytest.raises(InvalidInputError):
        own_path("http://[x/services/data")


def test_addresses_of_records_that_are_none_name_no_record() -> None:
    error = failure(["http://[x", "/a/001dM00003jU9Gx?x"], status=300, repeatable=True)
    assert isinstance(error, ConflictError)
    assert error.duplicates == ("001dM00003jU9GxQAK",)


@pytest.mark.parametrize(
    ("repeatable", "kind"), [(True, TransientError), (False, UnknownOutcomeError)]
)
def test_a_request_that_timed_out_there_may_have_had_effect(
    repeatable: bool,  # noqa: FBT001 - a case
    kind: type[CrmLinkError],
) -> None:
    assert isinstance(failure(None, status=408, repeatable=repeatable), kind)


@pytest.mark.parametrize("text", ["DUPLICATE_VALUE:taken by: Ada Lovelace", "X_Y:Ada: Lovelace:--"])
def test_a_row_without_fields_names_none_of_its_message(text: str) -> None:
    assert row_failure(text).fields == ()


async def test_a_broken_tls_connection_is_an_answer_that_did_not_come(fake: FakeOrg) -> None:
    fake.answers = [ssl.SSLError("bad record mac"), {"x": 1}]
    assert await (await fake.open()).limits() == {"x": 1}


@pytest.mark.parametrize(
    "ask",
    [
        lambda org: org.query(HALF),
        lambda org: org.search(f"FIND {{{HALF}}}"),
        lambda org: org.parameterized_search(Search(term=HALF)),
        lambda org: org.get_by_external_id("Account", "Key__c", HALF),
    ],
)
async def test_half_a_character_is_not_sent_and_not_told(fake: FakeOrg, ask: Ask) -> None:
    org = await fake.open()
    with pytest.raises(InvalidInputError) as caught:
        await ask(org)
    assert "Ada" not in "".join(traceback.format_exception(caught.value))
    assert fake.asked == []


async def test_a_record_with_half_a_character_is_not_sent(fake: FakeOrg) -> None:
    [outcome] = await (await fake.open()).create("Account", [{"Name": HALF}])
    assert isinstance(outcome.error, PermanentError)
    assert fake.asked == []


class SlowTokens(FakeTokens):
    """Takes its time for another token."""

    async def token(self, workspace_id: str, *, failed: str | None = None) -> AccessToken:
        await asyncio.sleep(0.05 if failed else 0)
        return await super().token(workspace_id, failed=failed)


async def test_the_time_of_a_call_goes_on_while_its_token_is_renewed() -> None:
    fake = FakeOrg([an_error(401)], tokens=SlowTokens([a_token(), a_token("t2")]))
    org = await fake.open()
    with pytest.raises(TransientError):
        await org.send("POST", "/services/data", timeouts=Timeouts(whole=0.02))
    assert len(fake.asked) == 1


async def test_another_sign_in_sees_descriptions_of_its_own() -> None:
    modified = {"last-modified": "Tue, 24 Nov 2026 10:00:00 GMT"}
    first = httpx.Response(200, json={"name": "a"}, headers=modified)
    fake = FakeOrg([first, {"name": "b"}], tokens=FakeTokens([a_token(), a_token("t2", epoch=2)]))
    names = [(await (await fake.open()).describe("Account"))["name"] for _ in range(2)]
    assert names == ["a", "b"]
    assert "if-modified-since" not in fake.asked[1].headers


def packed_twice(_: httpx.Request) -> httpx.Response:
    body = gzip.compress(gzip.compress(b"{}"))
    headers = {"content-encoding": "gzip, gzip"}
    return httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)


async def test_an_encoding_in_an_encoding_is_not_unpacked(fake: FakeOrg) -> None:
    fake.answers = [packed_twice] * 6
    org = await fake.open()
    with pytest.raises(TransientError):
        await org.limits()
    with pytest.raises(UnknownOutcomeError):
        await org.send("POST", "/services/data")
    with pytest.raises(TransientError):
        async with org.receive("GET", "/services/data", largest=99) as answer:
            await anext(answer.parts())
