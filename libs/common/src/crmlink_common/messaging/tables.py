"""Tables that every service has for its traffic with Kafka."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary),
    Column("headers", JSONB, nullable=False),
)
lease = Table(
    "relay_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)
parked = Table(  # messages that wait for a state that is not here yet
    "parked",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", Text, nullable=False),
    Column("need", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary),
    Column("headers", JSONB, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("parked_need", "workspace_id", "need"),
    Index("parked_expires", "expires_at"),
)
gaps = Table(  # what retention took before it was read: to be verified, never forgotten
    "gaps",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("noticed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
