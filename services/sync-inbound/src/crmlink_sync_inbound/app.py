"""Composition root: the only module that knows which parts are real."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from crmlink_common.composition import Foundation
from crmlink_common.contracts.connections import CONNECTIONS_V1
from crmlink_common.internal.auth import open_internal
from crmlink_common.messaging.workers import keep_working
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import SalesforceOrgs
from crmlink_common.salesforce.tokens import OauthTokens
from crmlink_common.salesforce.usage_reports import UsageReports
from crmlink_sync_inbound.capture import Capture
from crmlink_sync_inbound.routes import router
from crmlink_sync_inbound.service import State
from crmlink_sync_inbound.settings import Settings
from crmlink_sync_inbound.storage.projections import Projections
from crmlink_sync_inbound.subscribers import routes
from crmlink_sync_inbound.telling import Teller

SERVICE, SCHEMA = "sync-inbound", "sync_inbound"
MIGRATIONS = Path(__file__).parent / "migrations"


def _state(session: AsyncSession) -> State:
    return State(keeps=Projections(session))


def create_app(settings: Settings) -> FastAPI:
    base = Foundation(settings, service=SERVICE, schema=SCHEMA, routes=routes(_state))
    oauth = open_internal(settings.oauth_url, base.signer, "oauth")
    tokens = OauthTokens(oauth)
    base.hears(CONNECTIONS_V1, tokens.heard)
    orgs = SalesforceOrgs(tokens, client_name="crmlink-sync-inbound", hosts=settings.hosts)
    budgets = Budgets()
    reports = UsageReports(oauth, budgets, service=SERVICE)
    capture = Capture(
        sessions=base.sessions,
        open_org=orgs.open,
        teller=Teller(sessions=base.sessions, publish=base.bus.publish),
        holder=settings.instance,
        lease=timedelta(seconds=settings.lease_seconds),
        budgets=budgets,
    )

    async def poller(stopping: asyncio.Event) -> None:
        await keep_working(stopping, capture.take_turn, name="capture", idle=0.5)

    return base.app(
        routers=[router(base.callers, base.sessions)],
        workers=[reports.run, *[poller] * settings.pollers],
        closes=[oauth.aclose, orgs.aclose],
    )
