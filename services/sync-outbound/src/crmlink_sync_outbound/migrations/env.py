"""Alembic's entry: which tables this service has."""

from crmlink_common.messaging import tables as messaging
from crmlink_common.runs import store as runs
from crmlink_common.storage.migrations import run_migrations
from crmlink_sync_outbound.storage import tables

run_migrations([tables.metadata, messaging.metadata, runs.metadata])
