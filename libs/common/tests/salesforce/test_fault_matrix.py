"""Each fault that passes, for each kind of call: tries are bounded, and only safe ones repeat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from crmlink_common.errors import (
    CrmLinkError,
    LimitError,
    NotConnectedError,
    PermanentError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.client import Org
from crmlink_common.salesforce.composite import Subrequest
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token, an_error
from crmlink_common.salesforce.searches import Search

ID = "001dM00003jU9GxQAK"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TRIES = 4
Ask = Callable[[Org], Awaitable[object]]


async def streamed(org: Org) -> bytes:
    async with org.receive("GET", "/services/data/v59.0/x", largest=100) as answer:
        return b"".join([part async for part in answer.parts()])


async def uploaded(org: Org) -> object:
    async def body() -> AsyncIterator[bytes]:
        yield b"Id\n"

    return await org.send("PUT", "/services/data/v59.0/x", content=body, content_type="text/csv")


READS: dict[str, Ask] = {
    "versions": lambda org: org.versions(),
    "identity": lambda org: org.identity(),
    "identity_of": lambda org: org.identity_of(ID),
    "limits": lambda org: org.limits(),
    "record_counts": lambda org: org.record_counts(["Contact"]),
    "describe": lambda org: org.describe("Contact"),
    "describe_global": lambda org: org.describe_global(),
    "query": lambda org: org.query("SELECT Id FROM Contact"),
    "long_query": lambda org: org.query("SELECT Id FROM Contact WHERE X = '" + "x" * 4000 + "'"),
    "query_more": lambda org: org.query_more("/services/data/v59.0/query/01g-1"),
    "query_pages": lambda org: anext(org.query_pages("SELECT Id FROM X", max_records=1)),
    "query_many": lambda org: org.query_many(["SELECT Id FROM X"]),
    "get": lambda org: org.get("Contact", ID),
    "get_by_external_id": lambda org: org.get_by_external_id("Contact", "Key__c", "k"),
    "retrieve": lambda org: org.retrieve("Contact", [ID], []),
    "updated": lambda org: org.updated("Contact", NOON - timedelta(1), NOON),
    "deleted": lambda org: org.deleted("Contact", NOON - timedelta(1), NOON),
    "search": lambda org: org.search("FIND {x}"),
    "parameterized_search": lambda org: org.parameterized_search(Search(term="x")),
    "stream": streamed,
}
ONCE: dict[str, Ask] = {  # what may have had effect
    "post": lambda org: org.send("POST", "/services/data/v59.0/sobjects/Contact", json={}),
    "upload": uploaded,
    "composite": lambda org: org.composite(
        [Subrequest("POST", "/services/data/v59.0/sobjects/Contact", {})], repeatable=False
    ),
}

PASSING: dict[str, httpx.Response | Exception] = {  # known to have had no effect
    "ConnectError": httpx.ConnectError(""),
    "ConnectTimeout": httpx.ConnectTimeout(""),
    "PoolTimeout": httpx.PoolTimeout(""),
    "429": an_error(429),
    "UNABLE_TO_LOCK_ROW": an_error(400, "UNABLE_TO_LOCK_ROW"),
    "QUERY_TIMEOUT": an_error(400, "QUERY_TIMEOUT"),
    "TXN_SECURITY_METERING_ERROR": an_error(400, "TXN_SECURITY_METERING_ERROR"),
    "302": httpx.Response(302, headers={"location": "https://evil.example"}),
}
LOST: dict[str, httpx.Response | Exception] = {  # the call may have had effect
    "ReadTimeout": httpx.ReadTimeout(""),
    "ReadError": httpx.ReadError(""),
    "WriteError": httpx.WriteError(""),
    "WriteTimeout": httpx.WriteTimeout(""),
    "RemoteProtocolError": httpx.RemoteProtocolError(""),
    "DecodingError": httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
    ),
    "page": httpx.Response(200, html="<html>Down for maintenance</html>"),
    "500": an_error(500, "UNKNOWN_EXCEPTION"),
    "502": httpx.Response(502, text="<html>Bad gateway</html>"),
    "503": an_error(503, "SERVER_UNAVAILABLE"),
    "504": httpx.Response(504),
}
LASTING: dict[str, tuple[httpx.Response, type[CrmLinkError]]] = {
    "limit": (an_error(403, "REQUEST_LIMIT_EXCEEDED"), LimitError),
    "disabled": (an_error(403, "API_DISABLED_FOR_ORG"), NotConnectedError),
    "refused": (an_error(400, "INVALID_FIELD"), PermanentError),
    "retired": (httpx.Response(410), PermanentError),
}


async def failed_by(
    fault: httpx.Response | Exception, ask: Ask, tries: int
) -> tuple[FakeOrg, CrmLinkError]:
    fake = FakeOrg([lambda _: copied(fault)] * tries)
    try:
        with pytest.raises(CrmLinkError) as caught:
            await ask(await fake.open())
    finally:
        await fake.orgs.aclose()
    return fake, caught.value


def copied(fault: httpx.Response | Exception) -> httpx.Response:
    """Answer anew: the bytes of a response are read once."""
    if isinstance(fault, Exception):
        raise fault
    told = fault.stream if isinstance(fault.stream, httpx.ByteStream) else httpx.ByteStream(b"")
    return httpx.Response(fault.status_code, headers=fault.headers, stream=told)


@pytest.mark.parametrize("fault", [*PASSING, *LOST])
async def test_a_read_is_tried_a_few_times_further_and_further_apart(fault: str) -> None:
    for kind, ask in READS.items():
        if (kind, fault) == ("stream", "DecodingError"):
            continue  # its answer has begun: see test_streams
        fake, error = await failed_by({**PASSING, **LOST}[fault], ask, TRIES)
        assert (kind, len(fake.asked), fake.slept) == (kind, TRIES, [0.2, 0.4, 0.8])
        assert isinstance(error, TransientError)
        assert not isinstance(error, LimitError)


@pytest.mark.parametrize("fault", PASSING)
async def test_what_had_no_effect_is_tried_again_even_if_it_must_not_be_done_twice(
    fault: str,
) -> None:
    for kind, ask in ONCE.items():
        fake, error = await failed_by(PASSING[fault], ask, TRIES)
        assert (kind, len(fake.asked)) == (kind, TRIES)
        assert isinstance(error, TransientError)


@pytest.mark.parametrize("fault", LOST)
async def test_what_may_have_had_effect_is_never_sent_twice(fault: str) -> None:
    for kind, ask in ONCE.items():
        fake, error = await failed_by(LOST[fault], ask, 1)
        assert (kind, len(fake.asked), fake.slept) == (kind, 1, [])
        assert isinstance(error, UnknownOutcomeError)


@pytest.mark.parametrize("fault", LASTING)
async def test_what_will_not_pass_is_told_at_once(fault: str) -> None:
    answer, expected = LASTING[fault]
    for kind, ask in {**READS, **ONCE}.items():
        fake, error = await failed_by(answer, ask, 1)
        assert (kind, len(fake.asked), fake.slept) == (kind, 1, [])
        assert isinstance(error, expected)


@pytest.mark.parametrize("kind", sorted({*READS, *ONCE} - {"versions"}))  # it shows no token
async def test_a_stale_token_is_renewed_once_and_then_parks_the_workspace(kind: str) -> None:
    stale = an_error(401, "INVALID_SESSION_ID")
    fake = FakeOrg([lambda _: copied(stale)] * 2, tokens=FakeTokens([a_token(), a_token("t2")]))
    with pytest.raises(NotConnectedError):
        await {**READS, **ONCE}[kind](await fake.open())
    assert fake.tokens.asked == [("w1", None), ("w1", "t1")]
    assert len(fake.asked) == 2
    await fake.orgs.aclose()


async def test_an_answer_that_comes_after_two_faults_is_taken() -> None:
    fake = FakeOrg([httpx.ReadTimeout(""), an_error(503), {"DailyApiRequests": {}}])
    assert await (await fake.open()).limits() == {"DailyApiRequests": {}}
    assert len(fake.asked) == 3
    await fake.orgs.aclose()
