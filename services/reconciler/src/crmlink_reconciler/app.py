"""Composition root: the only module that knows which parts are real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.composition import Foundation
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.internal.auth import open_internal
from crmlink_common.messaging.workers import keep_working
from crmlink_common.runs.model import Step
from crmlink_common.runs.store import Claim
from crmlink_common.runs.worker import RunWorker
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import SalesforceOrgs
from crmlink_common.salesforce.tokens import OauthTokens
from crmlink_common.salesforce.usage_reports import UsageReports
from crmlink_reconciler.clients import CLIENT, SalesforceRecords
from crmlink_reconciler.desk import Desk, tell_finished
from crmlink_reconciler.routes import router
from crmlink_reconciler.service.matching import LINK_ALL, MATCH, FindMatches, LinkAll
from crmlink_reconciler.settings import Settings
from crmlink_reconciler.storage.directory import DirectoryRepository
from crmlink_reconciler.storage.endings import dissolve_deleted, purge_removed
from crmlink_reconciler.storage.returning import take_up_dormant
from crmlink_reconciler.storage.work import SERVICE, settle_waiting, transaction, work_of
from crmlink_reconciler.subscribers import routes

SCHEMA = "reconciler"
MIGRATIONS = Path(__file__).parent / "migrations"


def _now() -> datetime:
    return datetime.now(UTC)


async def _forget(sessions: async_sessionmaker[AsyncSession]) -> bool:
    async with sessions.begin() as session:
        forgotten = await DirectoryRepository(session).forget_tombstones(_now())
    return bool(forgotten or await purge_removed(sessions, _now()))


def create_app(settings: Settings) -> FastAPI:
    base = Foundation(settings, service=SERVICE, schema=SCHEMA, routes=routes(work_of))
    oauth = open_internal(settings.oauth_url, base.signer, "oauth")
    tokens = OauthTokens(oauth)
    base.hears(CONNECTIONS_V1, tokens.heard)
    orgs = SalesforceOrgs(tokens, client_name=CLIENT, hosts=settings.hosts)
    budgets = Budgets()
    reports = UsageReports(oauth, budgets, service=SERVICE)

    async def open_records(workspace_id: str) -> SalesforceRecords:
        return await SalesforceRecords(await orgs.open(workspace_id), budgets).admitted()

    begin = partial(transaction, base.sessions)
    find = FindMatches(transaction=begin, open_records=open_records)
    link_all = LinkAll(transaction=begin)

    def runs(kind: str, page: Callable[[Claim], Awaitable[Step]]) -> RunWorker:
        return RunWorker(
            kind=kind,
            holder=settings.instance,
            sessions=base.sessions,
            page=page,
            finished=tell_finished,
            lease=timedelta(seconds=settings.lease_seconds),
        )

    async def waiting(stopping: asyncio.Event) -> None:
        again = partial(settle_waiting, base.sessions)
        await keep_working(stopping, again, name="waiting", idle=5)

    async def dissolver(stopping: asyncio.Event) -> None:
        again = partial(dissolve_deleted, base.sessions)
        await keep_working(stopping, again, name="dissolving", idle=5)

    async def waker(stopping: asyncio.Event) -> None:
        again = partial(take_up_dormant, base.sessions)
        await keep_working(stopping, again, name="returning", idle=5)

    async def forgetter(stopping: asyncio.Event) -> None:
        await keep_working(stopping, partial(_forget, base.sessions), name="tombstones", idle=3600)

    return base.app(
        routers=[router(base.callers, Desk(sessions=base.sessions))],
        workers=[
            *[runs(MATCH, find.page).run for _ in range(settings.concurrent_runs)],
            runs(LINK_ALL, link_all.page).run,
            reports.run,
            waiting,
            dissolver,
            waker,
            forgetter,
        ],
        closes=[oauth.aclose, orgs.aclose],
    )
