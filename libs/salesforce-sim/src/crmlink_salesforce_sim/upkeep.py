"""What an org does as time goes by: late touches of automation, an emptied recycle bin."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from crmlink_salesforce_sim.automation import Automation
from crmlink_salesforce_sim.schema import Schema
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.tables import Tables
from crmlink_salesforce_sim.times import written

BIN_DAYS = 15  # facts §10: so long a deleted record stays in the recycle bin
EMPTIED_EVERY = timedelta(hours=1)


class Upkeep:
    """Catches up with the org's clock whenever a call comes in."""

    def __init__(
        self, schema: Schema, store: Store, automation: Automation, now: Callable[[], datetime]
    ) -> None:
        self._schema = schema
        self._store = store
        self._automation = automation
        self._now = now
        self._lock = threading.Lock()
        self._emptied: datetime | None = None

    def catch_up(self) -> None:
        """Do what is due by now; the usual call finds nothing and costs no transaction."""
        now = self._now()
        if self._automation.touching and self._touches_due(written(now)):
            with self._store.writing() as connection:
                Tables(connection).touch_due(self._schema.objects, written(now))
        if self._bin_due(now):
            before = written(now - timedelta(days=BIN_DAYS))
            with self._store.writing() as connection:
                self._empty(Tables(connection), before)

    def _touches_due(self, now: str) -> bool:
        with self._store.reading() as connection:
            statement = "SELECT EXISTS (SELECT 1 FROM sim_touches WHERE due <= ?)"
            return bool(connection.execute(statement, (now,)).fetchone()[0])

    def _bin_due(self, now: datetime) -> bool:
        with self._lock:
            if self._emptied is not None and abs(now - self._emptied) < EMPTIED_EVERY:
                return False
            self._emptied = now
            return True

    def _empty(self, tables: Tables, before: str) -> None:
        for sobject in self._schema.objects.values():
            for one in tables.expired(sobject, before):
                tables.remove(sobject, one, before)
