"""Composition root: the only module that knows which parts are real."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.composition import Foundation
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.internal.auth import open_internal
from crmlink_common.messaging.workers import keep_working
from crmlink_common.salesforce.absence import ABSENCE_COUNTS_AFTER
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import SalesforceOrgs
from crmlink_common.salesforce.tokens import OauthTokens
from crmlink_common.salesforce.usage_reports import UsageReports
from crmlink_common.storage.engine import create_engine
from crmlink_sync_outbound.clients import ReconcilerReservations
from crmlink_sync_outbound.routes import router
from crmlink_sync_outbound.service.configuring import Configuring
from crmlink_sync_outbound.service.creating import Creating
from crmlink_sync_outbound.service.desk import Desk
from crmlink_sync_outbound.service.ending import End
from crmlink_sync_outbound.service.linked import Linked
from crmlink_sync_outbound.service.observing import Observing
from crmlink_sync_outbound.service.ports import Orgs, Reservations
from crmlink_sync_outbound.service.runs import RunSync
from crmlink_sync_outbound.service.telling import Telling
from crmlink_sync_outbound.service.terms import TermsCache
from crmlink_sync_outbound.service.tidying import Tidy
from crmlink_sync_outbound.service.turns import Worker
from crmlink_sync_outbound.service.unlinked import Unlinked
from crmlink_sync_outbound.settings import Settings
from crmlink_sync_outbound.storage.book import Book, IntentBook
from crmlink_sync_outbound.storage.projections import Projections
from crmlink_sync_outbound.storage.queue import LEASE
from crmlink_sync_outbound.storage.sql import Statements
from crmlink_sync_outbound.subscribers import routes

SERVICE, SCHEMA = "sync-outbound", "sync_outbound"
MIGRATIONS = Path(__file__).parent / "migrations"


def observing(session: AsyncSession) -> Observing:
    return Observing(keeps=Projections(Statements(session)))


def make_worker(
    sessions: async_sessionmaker[AsyncSession],
    *,
    orgs: Orgs,
    reservations: Reservations,
    budgets: Budgets,
    instance: str,
    lease: timedelta = LEASE,
    absence: timedelta = ABSENCE_COUNTS_AFTER,
) -> Worker:
    """Wire a worker; workers share nothing but the database."""
    book = Book(sessions=sessions, cache=TermsCache(), lease=lease)
    intents, telling = IntentBook(sessions), Telling()
    creating = Creating(book=intents, reservations=reservations, telling=telling, absence=absence)
    return Worker(
        turns=book,
        orgs=orgs,
        linked=Linked(standing=book, telling=telling),
        unlinked=Unlinked(book=intents, creating=creating, telling=telling, absence=absence),
        budgets=budgets,
        instance=instance,
        lease=lease,
    )


def create_app(settings: Settings) -> FastAPI:
    base = Foundation(settings, service=SERVICE, schema=SCHEMA, routes=routes(observing))
    oauth = open_internal(settings.oauth_url, base.signer, "oauth")
    reconciler = open_internal(settings.reconciler_url, base.signer, "reconciler")
    tokens = OauthTokens(oauth)
    base.hears(CONNECTIONS_V1, tokens.heard)
    orgs = SalesforceOrgs(tokens, client_name="crmlink-sync-outbound", hosts=settings.hosts)
    budgets = Budgets()
    reports = UsageReports(oauth, budgets, service=SERVICE)
    telling, lease = Telling(), timedelta(seconds=settings.lease_seconds)
    worker = make_worker(
        base.sessions,
        orgs=orgs,
        reservations=ReconcilerReservations(reconciler),
        budgets=budgets,
        instance=settings.instance,
        lease=lease,
        absence=timedelta(seconds=settings.absence_seconds),
    )
    runs = RunSync(sessions=base.sessions, telling=telling, holder=settings.instance, lease=lease)

    async def work(stopping: asyncio.Event) -> None:
        await keep_working(stopping, worker.take_turn, name="sync", idle=0.2)

    return base.app(
        routers=[
            router(
                base.callers,
                Configuring(sessions=base.sessions, telling=telling),
                Desk(sessions=base.sessions, telling=telling),
            )
        ],
        workers=[
            *(partial(work) for _ in range(settings.workers)),
            runs.run,
            runs.run,
            End(base.sessions, telling).run,
            Tidy(base.sessions, telling).run,
            reports.run,
        ],
        closes=[oauth.aclose, reconciler.aclose, orgs.aclose],
    )


async def republish(settings: Settings) -> int:
    """Leave all saved configurations to the relay of whoever serves."""
    engine = create_engine(settings.database_dsn, SCHEMA)
    try:
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        return await Configuring(sessions=sessions, telling=Telling()).republish()
    finally:
        await engine.dispose()
