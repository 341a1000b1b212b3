"""One transaction, with every repository on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.messaging.outbox import Outbox
from crmlink_common.storage.trouble import transient
from crmlink_oauth.service.ports import Transaction
from crmlink_oauth.storage.budgets import BudgetRepository
from crmlink_oauth.storage.checks import CheckRepository
from crmlink_oauth.storage.connections import ConnectionRepository
from crmlink_oauth.storage.states import RevocationRepository, SignInRepository
from crmlink_oauth.storage.workspaces import UsageRepository, WorkspaceRepository


def transaction_on(session: AsyncSession) -> Transaction:
    """Give the repositories of a transaction that somebody else opened."""
    return Transaction(
        connections=ConnectionRepository(session),
        sign_ins=SignInRepository(session),
        revocations=RevocationRepository(session),
        workspaces=WorkspaceRepository(session),
        usage=UsageRepository(session),
        budgets=BudgetRepository(session),
        checks=CheckRepository(session),
        outbox=Outbox(session),
    )


@dataclass(frozen=True, slots=True)
class Work:
    """Opens transactions: committed at the end of the block, rolled back by what is raised."""

    sessions: async_sessionmaker[AsyncSession]

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        with transient():
            async with self.sessions.begin() as session:
                yield transaction_on(session)
