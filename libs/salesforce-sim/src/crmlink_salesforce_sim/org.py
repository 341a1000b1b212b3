"""The org: its schema, records, clock, identity and counts in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from crmlink_salesforce_sim.automation import Automation
from crmlink_salesforce_sim.background import Background
from crmlink_salesforce_sim.bulk.jobs import Jobs
from crmlink_salesforce_sim.clock import OrgClock
from crmlink_salesforce_sim.cursors import Cursors
from crmlink_salesforce_sim.describe import Describes
from crmlink_salesforce_sim.dml import USUAL_DML, DmlOptions
from crmlink_salesforce_sim.guarded import GuardedWriter
from crmlink_salesforce_sim.recent import Recent
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.row_faults import RowFaults
from crmlink_salesforce_sim.schema import Schema
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.times import written
from crmlink_salesforce_sim.transactions import Transactions
from crmlink_salesforce_sim.upkeep import Upkeep
from crmlink_salesforce_sim.usage import Usage

DAILY_CALLS = 100_000
_BEGUN: ContextVar[datetime | None] = ContextVar("begun", default=None)


@dataclass
class Org:
    """One org with everything it knows."""

    schema: Schema
    store: Store
    now: OrgClock = field(default_factory=OrgClock)
    daily_calls: int = DAILY_CALLS
    cursors: Cursors = field(default_factory=Cursors)
    transactions: Transactions = field(default_factory=Transactions)
    row_faults: RowFaults = field(default_factory=RowFaults)
    recent: Recent = field(default_factory=Recent)

    def __post_init__(self) -> None:
        self.usage = Usage(self.daily_calls, self.now)
        self.jobs = Jobs(self.store, self.now)
        self.background = Background()
        self.describes = Describes(self.schema, self.store, self.now)
        self.automation = Automation(self.store)
        self.upkeep = Upkeep(self.schema, self.store, self.automation, self.now)

    def close(self) -> None:
        """End the background's work, then close the store."""
        self.background.stop()
        self.store.close()

    @contextmanager
    def begun(self, moment: datetime) -> Iterator[None]:
        """Let the writes of the block carry the stamp of an earlier moment: a late commit."""
        token = _BEGUN.set(moment)
        try:
            yield
        finally:
            _BEGUN.reset(token)

    @contextmanager
    def writing(self, user: str, client: str, options: DmlOptions = USUAL_DML) -> Iterator[Writer]:
        """Write records in one transaction; what is counted is what is committed."""
        with self.transactions.running(self.now()), self.store.writing() as connection:
            stamp = written(_BEGUN.get() or self.now())
            writer = GuardedWriter(
                self.schema,
                self.store,
                connection,
                user,
                stamp,
                options=options,
                automation=self.automation,
            )
            writer.faults = self.row_faults
            yield writer
            rows = [(name, client, kind, n) for (name, kind), n in writer.tally.items()]
            connection.executemany(
                "INSERT INTO sim_writes VALUES (?, ?, ?, ?) ON CONFLICT"
                " (sobject, client, kind) DO UPDATE SET n = n + excluded.n",
                rows,
            )
