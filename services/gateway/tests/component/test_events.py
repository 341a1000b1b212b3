"""Live progress: order, ids, sharing, ends and bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sse_starlette import EventSourceResponse

from crmlink_common.errors import CrmLinkError
from crmlink_common.internal.problems import RemoteError
from crmlink_gateway.domain.access import Scope
from crmlink_gateway.errors import ServiceUnavailableError, TooManyStreamsError
from crmlink_gateway.fakes import API, WORKSPACE, Answer, FakeGateway, a_gateway, soon
from crmlink_gateway.routes.events import stream
from crmlink_gateway.streams import State, Streams

RUN = "8d6f2f0e-2a34-4a0e-9a41-0b6a6b7f3d55"
PATH = f"/sync/runs/{RUN}"


@pytest.fixture
def gateway() -> FakeGateway:
    return a_gateway()


def a_run(revision: int, status: str = "running") -> State:
    return {"id": RUN, "revision": revision, "status": status, "done": revision}


def going_through(*runs: State) -> Callable[[], Answer]:
    """Answer with one after the other, and with the last for ever."""
    left = list(runs)
    return lambda: (200, left.pop(0) if len(left) > 1 else left[0])


def events(answer: httpx.Response) -> list[tuple[str, str, dict[str, Any]]]:
    """Read a stream as a browser does: name, id, data."""
    found = []
    for block in answer.text.split("\r\n\r\n"):
        told = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in told:
            found.append((told["event"], told["id"], json.loads(told["data"])))
    return found


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is sent has no event
        await asyncio.sleep(0)


async def test_a_run_is_followed_to_its_end_with_its_revisions_as_ids(gateway: FakeGateway) -> None:
    runs = going_through(a_run(1), a_run(1), a_run(2), a_run(5, "completed"))
    gateway.services.on("sync-outbound", "GET", PATH, runs)
    async with gateway.caller(Scope.READ) as http:
        answer = await http.get(f"{API}{PATH}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert [(name, at) for name, at, _ in events(answer)] == [
        ("run", "1"),
        ("run", "2"),
        ("run", "5"),
    ]
    assert events(answer)[-1][2]["status"] == "completed"


async def test_matching_is_followed_at_the_reconciler(gateway: FakeGateway) -> None:
    run = a_run(3, "completed_with_errors")
    gateway.services.on("reconciler", "GET", f"/match-runs/{RUN}", (200, run))
    async with gateway.caller(Scope.READ) as http:
        answer = await http.get(f"{API}/reconciliation/runs/{RUN}/events")
    assert [at for _, at, _ in events(answer)] == ["3"]


async def test_whoever_comes_back_is_told_only_what_is_new(gateway: FakeGateway) -> None:
    runs = going_through(a_run(4), a_run(4), a_run(6, "cancelled"))
    gateway.services.on("sync-outbound", "GET", PATH, runs)
    async with gateway.caller(Scope.READ) as http:
        answer = await http.get(f"{API}{PATH}/events", headers={"Last-Event-ID": "4"})
    assert [at for _, at, _ in events(answer)] == ["6"]


async def test_whoever_saw_the_end_is_told_not_to_come_back(gateway: FakeGateway) -> None:
    gateway.services.on("sync-outbound", "GET", PATH, (200, a_run(6, "failed")))
    async with gateway.caller(Scope.READ) as http:
        answer = await http.get(f"{API}{PATH}/events", headers={"Last-Event-ID": "6"})
        odd = await http.get(f"{API}{PATH}/events", headers={"Last-Event-ID": "not a number"})
    assert answer.status_code == 204
    assert [at for _, at, _ in events(odd)] == ["6"]


async def test_an_unknown_run_and_an_absent_owner_are_problem_documents(
    gateway: FakeGateway,
) -> None:
    gone = {"code": "run_not_found", "title": "No such run", "status": 404}
    gateway.services.on("sync-outbound", "GET", PATH, (404, gone))
    async with gateway.caller(Scope.READ) as http:
        unknown = await http.get(f"{API}{PATH}/events")
        gateway.services.down.add("sync-outbound")
        down = await http.get(f"{API}{PATH}/events")
    assert (unknown.status_code, unknown.json()) == (404, gone)
    assert (down.status_code, down.json()["code"]) == (503, "service_unavailable")


async def test_the_connections_page_is_told_of_each_change() -> None:
    gateway = a_gateway()
    gateway.store.seen[WORKSPACE] = {"revision": 3, "status": "awaiting_oauth"}
    sent: list[dict[str, Any]] = []
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI
        sent.append(message)

    def told() -> str:
        return b"".join(one.get("body", b"") for one in sent).decode()

    key = gateway.key(Scope.READ)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": f"{API}/events",
        "raw_path": f"{API}/events".encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
        "server": ("crm.example", 443),
        "client": ("127.0.0.1", 1),
    }
    serving = asyncio.create_task(gateway.app(scope, receive, send))
    async with asyncio.timeout(5):
        await until(lambda: "id: 3" in told())
        gateway.store.seen[WORKSPACE] = {"revision": 4, "status": "connected"}
        await until(lambda: "id: 4" in told())
        left.set()
        await serving
    assert told().count("event: connection") == 2


async def test_all_who_watch_a_run_share_one_reader_and_the_last_ends_it() -> None:
    reads = 0

    async def read() -> State:
        nonlocal reads
        reads += 1
        return a_run(reads)

    async def never(_: float) -> None:
        await asyncio.Event().wait()

    streams = Streams(most=10, most_each=10, sleep=never)
    async with AsyncExitStack() as stack:
        for _ in range(5):
            watched = await stack.enter_async_context(streams.watching("w1", "run", read))
            assert (await watched.newer_than(None))["revision"] == 1
        reader = watched.reader
        assert (reads, streams.viewers.total(), len(streams.watched)) == (1, 5, 1)
    assert reader is not None
    await asyncio.gather(reader, return_exceptions=True)
    assert reader.cancelled()
    assert (streams.viewers, streams.watched) == ({}, {})


async def test_more_viewers_than_allowed_are_sent_away(gateway: FakeGateway) -> None:
    async def read() -> State:
        return a_run(1)

    streams = Streams(most=1, most_each=1, sleep=soon)
    async with streams.watching("w1", "one", read):
        with pytest.raises(TooManyStreamsError):
            async with streams.watching("w1", "two", read):
                pass
    async with streams.watching("w1", "two", read) as watched:
        assert (await watched.newer_than(None))["revision"] == 1


async def test_one_workspace_leaves_room_for_the_others() -> None:
    async def read() -> State:
        return a_run(1)

    streams = Streams(most=3, most_each=2, sleep=soon)
    async with streams.watching("w1", "one", read), streams.watching("w1", "two", read):
        with pytest.raises(TooManyStreamsError):
            async with streams.watching("w1", "one", read):
                pass
        async with streams.watching("w2", "one", read) as watched:
            assert (await watched.newer_than(None))["revision"] == 1
    assert (streams.viewers, streams.watched) == ({}, {})


async def test_a_stream_ends_after_a_while_so_that_keys_are_looked_at_again() -> None:
    async def read() -> State:
        return a_run(1)

    streams = Streams(most=1, most_each=1, sleep=soon)
    async with asyncio.timeout(5):
        answer = await stream(streams.watching("w1", "run", read), "", 0.02, name="run")
        assert isinstance(answer, EventSourceResponse)
        told = [part async for part in answer.body_iterator]
    assert len(told) == 2  # that it watches, and the state
    assert (streams.viewers, streams.watched) == ({}, {})


async def test_an_owner_that_comes_back_is_read_on() -> None:
    answers: list[State | CrmLinkError] = [
        a_run(1),
        ServiceUnavailableError("sync-outbound"),
        RemoteError(500, {"code": "internal_error"}),
        a_run(2, "completed"),
    ]

    async def read() -> State:
        one = answers.pop(0)
        if isinstance(one, CrmLinkError):
            raise one
        return one

    streams = Streams(most=1, most_each=1, sleep=soon)
    async with streams.watching("w1", "run", read) as watched:
        assert (await watched.newer_than(None))["revision"] == 1
        assert (await watched.newer_than(1))["revision"] == 2
    assert not answers


async def test_a_run_that_is_gone_ends_the_stream() -> None:
    answers: list[State] = [a_run(1)]

    async def read() -> State:
        if answers:
            return answers.pop()
        raise RemoteError(404, {"code": "run_not_found"})

    streams = Streams(most=1, most_each=1, sleep=soon)
    async with streams.watching("w1", "run", read) as watched:
        assert (await watched.newer_than(None))["revision"] == 1
        with pytest.raises(RemoteError):
            await watched.newer_than(1)
