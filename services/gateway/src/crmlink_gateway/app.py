"""Composition root: the only module that knows which parts are real."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.composition import Foundation
from crmlink_common.internal.auth import open_internal
from crmlink_common.internal.problems import MEDIA_TYPE, RemoteError
from crmlink_common.messaging.workers import delays, keep_working, rest
from crmlink_common.telemetry.redaction import describe
from crmlink_gateway.clients import Part, Parts
from crmlink_gateway.console.pages import STATIC, Pages
from crmlink_gateway.console.routes import console_routes
from crmlink_gateway.routes.authority import Gate
from crmlink_gateway.routes.connection import connection_routes, switch_routes
from crmlink_gateway.routes.events import event_routes
from crmlink_gateway.routes.reconciliation import link_routes, match_routes
from crmlink_gateway.routes.sign_in import sign_in_routes
from crmlink_gateway.routes.sync import config_routes, run_routes
from crmlink_gateway.routes.usage import usage_routes
from crmlink_gateway.routes.workspace import workspace_routes
from crmlink_gateway.service import FrontDoor, Intake
from crmlink_gateway.settings import Settings
from crmlink_gateway.storage.connections import ConnectionRepository
from crmlink_gateway.storage.store import transactions
from crmlink_gateway.storage.trail import TrailRepository
from crmlink_gateway.streams import Streams
from crmlink_gateway.subscribers import routes
from crmlink_gateway.web import BodyLimit, SecurityHeaders

SERVICE, SCHEMA = "gateway", "gateway"
MIGRATIONS = Path(__file__).parent / "migrations"
FIRST_START = 10.0  # seconds that the bootstrap may hold the start up
log = logging.getLogger(__name__)


def _intake(session: AsyncSession) -> Intake:
    return Intake(trail=TrailRepository(session), known=ConnectionRepository(session))


def create_app(settings: Settings) -> FastAPI:
    base = Foundation(settings, service=SERVICE, schema=SCHEMA, routes=routes(_intake))
    door = FrontDoor(begin=transactions(base.sessions))
    parts = Parts(
        oauth=Part("oauth", open_internal(settings.oauth_url, base.signer, "oauth")),
        reconciler=Part(
            "reconciler", open_internal(settings.reconciler_url, base.signer, "reconciler")
        ),
        sync_outbound=Part(
            "sync-outbound", open_internal(settings.sync_outbound_url, base.signer, "sync-outbound")
        ),
        sync_inbound=Part(
            "sync-inbound", open_internal(settings.sync_inbound_url, base.signer, "sync-inbound")
        ),
        tools=Part("tools", open_internal(settings.tools_url, base.signer, "tools")),
    )

    async def forgetter(stopping: asyncio.Event) -> None:
        await keep_working(stopping, door.forget, name="forget", idle=600)

    app = base.app(workers=[forgetter], closes=[parts.aclose])
    furnish(app, door, parts, settings)
    if settings.bootstrap_key is not None:
        key, workspace = settings.bootstrap_key.get_secret_value(), settings.bootstrap_workspace
        _begin_with(app, lambda: door.bootstrap(str(workspace), key))
    return app


def furnish(
    app: FastAPI,
    door: FrontDoor,
    parts: Parts,
    settings: Settings,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Add every address of the gateway to an application."""
    gate = Gate(door)
    pages = Pages(settings.product_name)
    streams = Streams(
        most=settings.max_streams, most_each=settings.max_streams_per_workspace, sleep=sleep
    )
    for router in (
        connection_routes(gate, parts),
        switch_routes(gate, parts, door),
        sign_in_routes(gate, parts, door, pages, https=settings.https),
        event_routes(gate, parts, door, streams),
        match_routes(gate, parts),
        link_routes(gate, parts),
        config_routes(gate, parts),
        run_routes(gate, parts),
        usage_routes(gate, parts),
        workspace_routes(gate, parts, door),
        console_routes(door, pages, base_url=settings.base_url),
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(BodyLimit, most=settings.max_body_bytes)
    app.add_middleware(SecurityHeaders, https=settings.https)

    @app.exception_handler(RemoteError)
    async def refused_elsewhere(_: Request, error: RemoteError) -> JSONResponse:
        """Pass on what another service refused, as it said it."""
        document = {"title": error.code, "status": error.http_status, "code": error.code}
        return JSONResponse(
            document | error.document,
            status_code=error.http_status,
            media_type=MEDIA_TYPE,
            headers={"Retry-After": error.retry_after} if error.retry_after else None,
        )

    @app.get("/api/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())


def _begin_with(app: FastAPI, first: Callable[[], Awaitable[None]]) -> None:
    """Do ``first`` before anybody is served; if the database is away, go on trying meanwhile."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(started: FastAPI) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        async with inner(started), asyncio.TaskGroup() as tasks:
            trying = tasks.create_task(_until_done(first, stopping))
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(trying), FIRST_START)
            yield
            stopping.set()

    app.router.lifespan_context = lifespan


async def _until_done(work: Callable[[], Awaitable[None]], stopping: asyncio.Event) -> None:
    waits = delays()
    while not stopping.is_set():
        try:
            return await work()
        except Exception as exc:  # noqa: BLE001 - the database may come up after us
            log.warning("bootstrap put off", extra=describe(exc))
            await rest(stopping, next(waits))
    return None
