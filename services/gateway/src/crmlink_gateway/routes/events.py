"""Server-sent events: a run's progress, and that the connection has changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Header, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from crmlink_common.errors import CrmLinkError
from crmlink_gateway.clients import Part, Parts
from crmlink_gateway.domain.access import Caller, Scope
from crmlink_gateway.routes.authority import PREFIX, Gate
from crmlink_gateway.service import FrontDoor
from crmlink_gateway.streams import State, Streams, Watched, ended

LastEventId = Annotated[str, Header(alias="Last-Event-ID", max_length=32)]
Watch: TypeAlias = AbstractAsyncContextManager[Watched]
HEARTBEAT = 15  # seconds
TAKEN_WITHIN = 30  # seconds; whoever takes nothing keeps nobody else's place
NOTHING_MORE = 204  # tells an EventSource not to come back


def event_routes(gate: Gate, parts: Parts, door: FrontDoor, streams: Streams) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["live"])
    read = gate.allows(Scope.READ)

    @router.get("/reconciliation/runs/{run}/events")
    async def matching(
        run: UUID, caller: Caller = read, last_event_id: LastEventId = ""
    ) -> Response:
        return await _run(parts.reconciler, caller, f"/match-runs/{run}", last_event_id)

    @router.get("/sync/runs/{run}/events")
    async def syncing(
        run: UUID, caller: Caller = read, last_event_id: LastEventId = ""
    ) -> Response:
        return await _run(parts.sync_outbound, caller, f"/sync/runs/{run}", last_event_id)

    @router.get("/events")
    async def connection(caller: Caller = read, last_event_id: LastEventId = "") -> Response:
        async def look() -> State:
            return await door.connection(caller.workspace_id)

        watch = streams.watching(caller.workspace_id, "connection", look)
        return await stream(watch, last_event_id, streams.longest, name="connection")

    async def _run(part: Part, caller: Caller, path: str, last_event_id: str) -> Response:
        async def look() -> State:
            return dict(await part.call("GET", caller.workspace_id, path))

        watch = streams.watching(caller.workspace_id, part.name + path, look)
        return await stream(watch, last_event_id, streams.longest, name="run")

    return router


async def stream(watch: Watch, last_event_id: str, longest: float, *, name: str) -> Response:
    """Subscribe, wait for the first state (or its refusal), then tell every newer one.

    Ids are the owner's revisions, so they hold across restarts of this process.
    """
    events = _events(watch, last_event_id, longest, name)
    first = await anext(events, None)  # a refusal becomes a problem document, not a broken stream
    if first is None:
        return Response(status_code=NOTHING_MORE)
    return EventSourceResponse(_chained(first, events), ping=HEARTBEAT, send_timeout=TAKEN_WITHIN)


async def _events(
    watch: Watch, last_event_id: str, longest: float, name: str
) -> AsyncGenerator[ServerSentEvent, None]:
    seen = int(last_event_id) if last_event_id.isdecimal() else None
    async with watch as watched:
        first = await watched.newer_than(None)
        if ended(first) and first["revision"] == seen:
            return
        yield ServerSentEvent(comment="watching")
        until = asyncio.get_running_loop().time() + longest
        while True:
            try:
                async with asyncio.timeout_at(until):
                    state = await watched.newer_than(seen)
            except TimeoutError:
                return  # a browser comes back by itself, and shows that it still may
            except CrmLinkError:
                return  # it is gone: whoever comes back is told so
            seen = state["revision"]
            yield ServerSentEvent(json.dumps(state, default=str), event=name, id=str(seen))
            if ended(state):
                return


async def _chained(
    first: ServerSentEvent, rest: AsyncGenerator[ServerSentEvent, None]
) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(rest):  # whoever leaves is counted out at once
        yield first
        async for event in rest:
            yield event
