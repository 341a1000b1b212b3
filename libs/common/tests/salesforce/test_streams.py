"""Bodies that are sent and read part by part."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from crmlink_common.errors import PermanentError, TransientError, UnknownOutcomeError
from crmlink_common.salesforce.fakes import FakeOrg, FakeTokens, a_token, an_error
from crmlink_common.salesforce.limits import ApiUsage

PATH = "/services/data/v59.0/jobs/query/750/results"
STALE = an_error(401, "INVALID_SESSION_ID")


def parts_of(*parts: bytes) -> Callable[[], AsyncIterator[bytes]]:
    async def give() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return give


class Cut(httpx.AsyncByteStream):
    """A body that breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"Id\n"
        raise httpx.ReadError("")


async def received(fake: FakeOrg, largest: int = 1000) -> bytes:
    org = await fake.open()
    async with org.receive("GET", PATH, headers={"Accept": "text/csv"}, largest=largest) as answer:
        return b"".join([part async for part in answer.parts()])


async def test_an_answer_is_read_part_by_part(fake: FakeOrg) -> None:
    packed = gzip.compress(b"Id\n1\n")
    headers = {
        "content-encoding": "gzip",
        "sforce-locator": "null",
        "sforce-limit-info": "api-usage=1/9",
    }
    fake.answers = [httpx.Response(200, content=packed, headers=headers)]
    reported: list[ApiUsage] = []
    org = await fake.open(reported.append)
    async with org.receive("GET", PATH, headers={"Accept": "text/csv"}, largest=99) as answer:
        assert (answer.status, answer.headers["sforce-locator"]) == (200, "null")
        assert b"".join([part async for part in answer.parts()]) == b"Id\n1\n"
    assert fake.asked[0].headers["accept"] == "text/csv"
    assert reported == [ApiUsage(1, 9)]


async def test_a_stream_renews_a_stale_token_once_naming_it() -> None:
    tokens = FakeTokens([a_token(), a_token("t2")])
    fake = FakeOrg([STALE, httpx.Response(200, content=b"Id\n")], tokens=tokens)
    assert await received(fake) == b"Id\n"
    assert tokens.asked == [("w1", None), ("w1", "t1")]


async def test_a_stream_is_asked_for_again_until_it_begins(fake: FakeOrg) -> None:
    fake.answers = [an_error(503), httpx.ReadTimeout(""), httpx.Response(200, content=b"Id\n")]
    assert await received(fake) == b"Id\n"
    assert fake.slept == [0.2, 0.4]


async def test_a_stream_that_breaks_off_is_told_and_left_to_the_caller(fake: FakeOrg) -> None:
    fake.answers = [httpx.Response(200, stream=Cut())]
    with pytest.raises(TransientError):
        await received(fake)
    assert len(fake.asked) == 1


async def test_a_stream_larger_than_the_caller_takes_is_left(fake: FakeOrg) -> None:
    fake.answers = [httpx.Response(200, content=b"x" * 11)]
    with pytest.raises(PermanentError) as caught:
        await received(fake, largest=10)
    assert caught.value.code == "ANSWER_TOO_LARGE"


async def test_a_refused_stream_tells_the_code_and_the_usage(fake: FakeOrg) -> None:
    fake.answers = [an_error(409, "INVALIDJOBSTATE", **{"sforce-limit-info": "api-usage=1/9"})]
    reported: list[ApiUsage] = []
    org = await fake.open(reported.append)
    with pytest.raises(PermanentError) as caught:
        async with org.receive("GET", PATH, largest=99):
            pass
    assert caught.value.code == "INVALIDJOBSTATE"
    assert reported == [ApiUsage(1, 9)]


async def test_calls_and_streams_that_saw_the_same_token_fail_all_go_on() -> None:
    def by_token(request: httpx.Request) -> httpx.Response:
        stale = request.headers["authorization"] == "Bearer secret-t1"
        return STALE if stale else httpx.Response(200, json={"x": 1})

    fake = FakeOrg([by_token] * 8, tokens=FakeTokens([a_token(), *[a_token("t2")] * 4]))
    org = await fake.open()

    async def streamed() -> bytes:
        async with org.receive("GET", PATH, largest=99) as answer:
            return b"".join([part async for part in answer.parts()])

    told = await asyncio.gather(org.limits(), streamed(), org.limits(), streamed())
    assert told == [{"x": 1}, b'{"x":1}', {"x": 1}, b'{"x":1}']
    assert {failed for _, failed in fake.tokens.asked[1:]} == {"t1"}
    assert len(fake.asked) == 8


async def test_a_body_is_streamed_compressed_and_begun_anew_after_a_stale_token() -> None:
    tokens = FakeTokens([a_token(), a_token("t2")])
    fake = FakeOrg([STALE, {}], tokens=tokens)
    org = await fake.open()
    begun = parts_of(b"Id,Name\n", b"1,A\n")
    await org.send("PUT", PATH, content=begun, content_type="text/csv")
    for request in fake.asked:
        assert request.headers["content-type"] == "text/csv"
        assert gzip.decompress(request.content) == b"Id,Name\n1,A\n"


async def test_bytes_are_sent_as_they_are_and_compressed_above_a_kilobyte(fake: FakeOrg) -> None:
    fake.answers = [{}, {}]
    org = await fake.open()
    for body in (b"Id\n", b"x" * 1025):
        await org.send("PUT", PATH, content=body, content_type="text/csv")
    small, large = fake.asked
    assert small.content == b"Id\n"
    assert "content-encoding" not in small.headers
    assert gzip.decompress(large.content) == b"x" * 1025


@pytest.mark.parametrize(("method", "tries"), [("GET", 4), ("HEAD", 4), ("POST", 1), ("PATCH", 1)])
async def test_unless_told_only_reads_are_repeated(fake: FakeOrg, method: str, tries: int) -> None:
    fake.answers = [httpx.ReadTimeout("")] * tries
    with pytest.raises(TransientError if tries > 1 else UnknownOutcomeError):
        await (await fake.open()).send(method, PATH)
    assert len(fake.asked) == tries
