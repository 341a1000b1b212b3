"""The org: its schema, records, clock, identity and counts in one place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from crmlink_salesforce_sim.cursors import Cursors
from crmlink_salesforce_sim.describe import Describes
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.schema import Schema
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.times import utc_now, written
from crmlink_salesforce_sim.usage import Usage

DAILY_CALLS = 100_000


@dataclass
class Org:
    """One org with everything it knows."""

    schema: Schema
    store: Store
    now: Callable[[], datetime] = utc_now
    daily_calls: int = DAILY_CALLS
    cursors: Cursors = field(default_factory=Cursors)

    def __post_init__(self) -> None:
        self.usage = Usage(self.daily_calls, self.now)
        self.describes = Describes(self.schema, self.store, self.now)

    @contextmanager
    def writing(self, user: str, client: str) -> Iterator[Writer]:
        """Write records in one transaction; what is counted is what is committed."""
        with self.store.writing() as connection:
            stamp = written(self.now())
            writer = Writer(self.schema, self.store, connection, user, stamp)
            yield writer
            rows = [(name, client, kind, n) for (name, kind), n in writer.tally.items()]
            connection.executemany(
                "INSERT INTO sim_writes VALUES (?, ?, ?, ?) ON CONFLICT"
                " (sobject, client, kind) DO UPDATE SET n = n + excluded.n",
                rows,
            )
