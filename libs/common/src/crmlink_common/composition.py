"""What every service's composition root has in common: database, bus, workers, health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeAlias

from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import DataT, Event, Topic
from crmlink_common.internal.auth import Callers, Signer, trusted_keys
from crmlink_common.internal.problems import install_problem_handlers
from crmlink_common.messaging.bus import Bus
from crmlink_common.messaging.consume import Handler, Route, route
from crmlink_common.settings import ServiceSettings
from crmlink_common.storage.engine import answers, create_engine
from crmlink_common.telemetry.health import Check, health

Worker: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]
Close: TypeAlias = Callable[[], Awaitable[None]]


class Foundation:
    """Engine, sessions, bus and keys of one service; ``schema`` is the service's own."""

    def __init__(
        self, settings: ServiceSettings, *, service: str, schema: str, routes: Sequence[Route]
    ) -> None:
        self.service = service
        self.instance = settings.instance
        self.engine = create_engine(settings.database_dsn, schema)
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            self.engine, expire_on_commit=False
        )
        self.signer = Signer(service, settings.internal_key)
        self.callers = Callers(service, trusted_keys(settings.internal_trusted))
        self.bus = Bus(
            bootstrap=settings.kafka_bootstrap,
            service=service,
            instance=settings.instance,
            sessions=self.sessions,
            routes=routes,
        )

    def hears(self, topic: Topic[DataT], heard: Callable[[Sequence[Event[DataT]]], None]) -> None:
        """Let ``heard`` see the messages of a topic that has a route; some of them repeatedly.

        Only the replica that a message comes to hears it: for what may be forgotten early.
        """

        def also(handler: Handler[DataT]) -> Handler[DataT]:
            async def both(session: AsyncSession, events: Sequence[Event[DataT]]) -> None:
                await handler(session, events)
                heard(events)

            return both

        self.bus.routes = [
            route(one.topic, also(one.handler)) if one.topic is topic else one
            for one in self.bus.routes
        ]

    def app(
        self,
        *,
        routers: Sequence[APIRouter] = (),
        workers: Sequence[Worker] = (),
        closes: Sequence[Close] = (),
    ) -> FastAPI:
        """Build the application.

        Workers begin once the projections are complete and must return soon after the event
        they are given is set; ``closes`` are awaited last, in reverse.
        """

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                stack.push_async_callback(self.engine.dispose)
                for close in closes:
                    stack.push_async_callback(close)
                stopping = asyncio.Event()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.bus.run(stopping))
                    for worker in workers:
                        tasks.create_task(self.bus.work(stopping, partial(worker, stopping)))
                    yield
                    stopping.set()

        app = FastAPI(title=self.service, lifespan=lifespan, openapi_url=None)
        install_problem_handlers(app)
        for router in routers:
            app.include_router(router)
        checks: dict[str, Check] = {
            "kafka": self.bus.ready,
            "postgres": partial(answers, self.engine),
        }
        app.include_router(health(checks))
        return app
