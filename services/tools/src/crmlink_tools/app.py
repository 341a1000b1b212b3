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
from crmlink_common.salesforce.soql import bounded
from crmlink_common.salesforce.tokens import OauthTokens
from crmlink_common.salesforce.usage_reports import UsageReports
from crmlink_tools.answers import Answers
from crmlink_tools.domain import MAX_ROWS
from crmlink_tools.routes import router
from crmlink_tools.service import Intake
from crmlink_tools.settings import Settings
from crmlink_tools.storage.ledger import Ledger
from crmlink_tools.subscribers import routes

ANY_QUERY = "SELECT Id FROM Contact"
SERVICE, SCHEMA = "tools", "tools"
MIGRATIONS = Path(__file__).parent / "migrations"


def _intake(session: AsyncSession) -> Intake:
    return Intake(keeps=Ledger(session))


async def _warm_up(_: asyncio.Event) -> None:
    """Build the grammar of queries, which takes over a second, before a request waits for it."""
    await asyncio.to_thread(bounded, ANY_QUERY, MAX_ROWS)


def create_app(settings: Settings) -> FastAPI:
    base = Foundation(settings, service=SERVICE, schema=SCHEMA, routes=routes(_intake))
    oauth = open_internal(settings.oauth_url, base.signer, "oauth")
    tokens = OauthTokens(oauth)
    base.hears(CONNECTIONS_V1, tokens.heard)
    orgs = SalesforceOrgs(tokens, client_name="crmlink-tools", hosts=settings.hosts)
    budgets = Budgets()
    reports = UsageReports(oauth, budgets, service=SERVICE)
    answers = Answers(
        sessions=base.sessions,
        open_org=orgs.open,
        publish=base.bus.publish,
        holder=settings.instance,
        per_workspace=settings.concurrent_requests_per_workspace,
        lease=timedelta(seconds=settings.lease_seconds),
        budgets=budgets,
    )

    async def answerer(stopping: asyncio.Event) -> None:
        await keep_working(stopping, answers.answer_one, name="answers", idle=0.1)

    async def forgetter(stopping: asyncio.Event) -> None:
        await keep_working(stopping, answers.forget, name="ledger", idle=300)

    return base.app(
        routers=[router(base.callers)],
        workers=[_warm_up, reports.run, forgetter, *[answerer] * settings.concurrent_requests],
        closes=[oauth.aclose, orgs.aclose],
    )
