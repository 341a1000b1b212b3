"""Composition root: the only module that knows which parts are real."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from crmlink_common.composition import Foundation
from crmlink_common.crypto.keyring import KeyRing
from crmlink_common.messaging.workers import keep_working
from crmlink_common.salesforce.pool import Origins
from crmlink_common.storage.engine import create_engine
from crmlink_common.storage.migrations import migrate as migrate_schema
from crmlink_oauth.clients.salesforce import SalesforceLogin
from crmlink_oauth.routes import connection_routes, org_routes, token_routes
from crmlink_oauth.service.authority import TokenAuthority
from crmlink_oauth.service.budgeting import Budgeting
from crmlink_oauth.service.bulletin import Bulletin
from crmlink_oauth.service.checking import Checking
from crmlink_oauth.service.desk import Desk
from crmlink_oauth.service.resealing import Resealed, Resealing
from crmlink_oauth.service.setup import Setup
from crmlink_oauth.service.signing_in import SigningIn
from crmlink_oauth.service.upkeep import FollowWorkspaces, Republishing, Revoking, Tidying
from crmlink_oauth.service.watching import Watching
from crmlink_oauth.settings import Settings
from crmlink_oauth.storage.sealed import SealedStore
from crmlink_oauth.storage.watches import WatchStore
from crmlink_oauth.storage.work import Work
from crmlink_oauth.subscribers import routes
from crmlink_oauth.usage_routes import usage_routes
from crmlink_oauth.watch_routes import watch_routes

SERVICE = SCHEMA = "oauth"
ONCE = 24 * 3600.0  # seconds between passes that find nothing: another key needs another start
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings, origins: Origins | None = None) -> FastAPI:
    """Wire the service; ``origins`` may lead to another org than the real one."""
    following = FollowWorkspaces(bulletin=Bulletin())
    foundation = Foundation(settings, service=SERVICE, schema=SCHEMA, routes=routes(following))
    desk = _desk(settings, Work(foundation.sessions))
    setup = Setup(
        desk=desk,
        allowed_origins=settings.hosts.allowed,
        product_name=settings.product_name,
    )
    origins = origins or Origins(hosts=settings.hosts)
    salesforce = SalesforceLogin(origins=origins)
    signing_in = SigningIn(setup=setup, salesforce=salesforce)
    authority = TokenAuthority(setup=setup, salesforce=salesforce)
    checking = Checking(setup=setup, salesforce=salesforce, tokens=authority)
    revoking = Revoking(desk=desk, salesforce=salesforce)
    tidying = Tidying(setup=setup)
    watching = Watching(
        desk=desk,
        authority=authority,
        salesforce=salesforce,
        watches=WatchStore(foundation.sessions),
        refresh_after=timedelta(days=settings.refresh_idle_days),
    )
    resealing = Resealing(ring=_ring(settings), texts=SealedStore(foundation.sessions))
    return foundation.app(
        routers=[
            connection_routes(foundation.callers, setup, signing_in),
            org_routes(foundation.callers, setup, checking),
            token_routes(foundation.callers, authority),
            usage_routes(foundation.callers, Budgeting(desk=desk)),
            watch_routes(foundation.callers, watching),
        ],
        workers=[
            partial(keep_working, work=revoking.revoke_one, name="revoking", idle=1),
            partial(keep_working, work=tidying.tidy, name="tidying", idle=60),
            partial(keep_working, work=resealing.in_background, name="resealing", idle=ONCE),
            partial(keep_working, work=watching.enrol, name="enrolling", idle=60),
            partial(keep_working, work=watching.look_after_some, name="watching", idle=1),
        ],
        closes=[origins.aclose],
    )


def _desk(settings: Settings, work: Work) -> Desk:
    return Desk(
        work=work,
        seals=_ring(settings),
        public_url=settings.public_url,
    )


def _ring(settings: Settings) -> KeyRing:
    return KeyRing.from_setting(settings.encryption_keys)


def migrate(settings: Settings) -> None:
    """Bring the service's own schema up to date."""
    migrate_schema(settings.database_dsn, SCHEMA, MIGRATIONS)


async def republish(settings: Settings) -> int:
    """Leave every connection's state to a running service's relay."""
    engine = create_engine(settings.database_dsn, SCHEMA)
    try:
        work = Work(async_sessionmaker(engine, expire_on_commit=False))
        async with asyncio.timeout(3600):
            return await Republishing(desk=_desk(settings, work)).republish()
    finally:
        await engine.dispose()


async def reencrypt(settings: Settings) -> Resealed:
    """Seal anew, with the first key, whatever older keys sealed; services may run meanwhile."""
    engine = create_engine(settings.database_dsn, SCHEMA)
    try:
        texts = SealedStore(async_sessionmaker(engine, expire_on_commit=False))
        return await Resealing(ring=_ring(settings), texts=texts).reseal()
    finally:
        await engine.dispose()
