"""Writing records: what an org does when one is created, changed, deleted, merged or converted."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from crmlink_salesforce_sim import converting, merging, person_accounts, recycling, saving
from crmlink_salesforce_sim.automation import Automation
from crmlink_salesforce_sim.checking import Checks
from crmlink_salesforce_sim.converting import Conversion
from crmlink_salesforce_sim.dml import USUAL_DML, DmlOptions
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import make_id
from crmlink_salesforce_sim.schema import Field, Schema, SObject
from crmlink_salesforce_sim.store import Store
from crmlink_salesforce_sim.tables import Current, Tables
from crmlink_salesforce_sim.times import after
from crmlink_salesforce_sim.values import Stored

Body = Mapping[str, object]
OWN_USER = "$user"


class Writer:
    """Writes records as one user at one moment, inside a transaction.

    Every method raises ApiError with the code and message an org answers; what it had changed
    before that stays in the transaction, as a record is checked before it is saved.
    """

    def __init__(
        self,
        schema: Schema,
        store: Store,
        connection: sqlite3.Connection,
        user: str,
        stamp: str,
        *,
        options: DmlOptions = USUAL_DML,
        automation: Automation | None = None,
    ) -> None:
        self.schema = schema
        self.user = user
        self.stamp = stamp
        self.options = options
        self.tally: Counter[tuple[str, str]] = Counter()
        self.tables = Tables(connection)
        self.automation = automation or Automation(store)
        self._checks = Checks(schema, self.tables)
        self._store = store

    def guard(self, sobject: SObject, record_id: str | None) -> None:
        """Raise when a record cannot be had; None stands for one to be created.

        Every write asks first; nothing is in its way here. A subclass refuses locked rows.
        """

    def create(self, sobject: SObject, body: Body) -> str:
        """Create a record and return its id."""
        self._writable(sobject, "inserted")
        self.guard(sobject, None)
        row = self._checks.given(sobject, body, creating=True)
        return self.save_new(sobject, row)

    def update(self, sobject: SObject, record_id: str, body: Body) -> None:
        """Change a record that exists."""
        self._writable(sobject, "updated")
        self.guard(sobject, record_id)
        current = self.current(sobject, record_id)
        if sobject.frozen_when and current[sobject.frozen_when]:
            raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        row = self._checks.given(sobject, body, creating=False)
        self.save_changes(sobject, record_id, current, row)
        self.tally[sobject.name, "updated"] += 1

    def delete(self, sobject: SObject, record_id: str) -> None:
        """Put a record, and the children that go with it, into the recycle bin."""
        self._writable(sobject, "deleted")
        self.guard(sobject, record_id)
        current = self.current(sobject, record_id)
        person_accounts.check_delete(sobject, current)
        saving.fire(self, sobject, {}, current, "delete")
        recycling.delete(self, sobject, record_id)

    def undelete(self, sobject: SObject, record_id: str) -> None:
        """Take a record out of the recycle bin; UNDELETE_FAILED when it is not there."""
        self._writable(sobject, "undeleted")
        self.guard(sobject, record_id)
        recycling.undelete(self, sobject, record_id)

    def hard_delete(self, sobject: SObject, record_id: str) -> None:
        """Delete a record past the recycle bin: no query finds it again."""
        self.delete(sobject, record_id)
        recycling.empty(self, sobject, record_id)

    def empty_recycle_bin(self, sobject: SObject, record_id: str) -> None:
        """Take a record of the recycle bin away for ever."""
        recycling.empty(self, sobject, record_id)

    def merge(
        self, sobject: SObject, master_id: str, loser_ids: Sequence[str], values: Body
    ) -> list[str]:
        """Merge one or two records into a third; return the ids of the reparented children."""
        return merging.merge(self, sobject, master_id, loser_ids, values)

    def convert_lead(
        self,
        lead_id: str,
        *,
        account_id: str | None = None,
        contact_id: str | None = None,
        opportunity: str | None = None,
        status: str | None = None,
    ) -> Conversion:
        """Convert a lead into a contact of an account; `opportunity` names one to make as well."""
        return converting.convert_lead(
            self,
            lead_id,
            account_id=account_id,
            contact_id=contact_id,
            opportunity=opportunity,
            status=status,
        )

    def current(self, sobject: SObject, record_id: str) -> Current:
        """Return a record's stored values, or say that it is gone or never was."""
        return self.tables.current(sobject, record_id)

    def matching(self, sobject: SObject, field: Field, value: Stored) -> list[str]:
        """Return the ids of the records with that value, oldest first."""
        return self.tables.matching(sobject, field, value)

    def check_unique(self, sobject: SObject, row: Current, own: str | None) -> None:
        """Refuse values that have to be unique and are taken."""
        self._checks.unique(sobject, row, own)

    def touched(self) -> Current:
        """Return the stamps of a change made now."""
        return {
            "LastModifiedDate": self.stamp,
            "LastModifiedById": self.user,
            "SystemModstamp": self.stamp,
        }

    def save_new(self, sobject: SObject, given: Current) -> str:
        """Save a record of values already read; return its id."""
        number = self._store.next_number(sobject)
        record_id = make_id(sobject.key_prefix, number)
        row = self._defaults(sobject) | saving.assigned(self, sobject, given) | given
        row |= saving.numbered(sobject, number)
        row = saving.prepared(self, self._checks, sobject, row, {})
        row |= {"Id": record_id, "CreatedDate": self.stamp, "CreatedById": self.user}
        self.tables.insert(sobject, row | self.touched())
        self.tally[sobject.name, "created"] += 1
        self._saved(sobject, record_id, row, {})
        return record_id

    def save_changes(
        self,
        sobject: SObject,
        record_id: str,
        current: Current,
        row: Current,
    ) -> None:
        """Save changes already read to a record."""
        row = saving.prepared(self, self._checks, sobject, row, current)
        changed = {name: value for name, value in row.items() if current[name] != value}
        self.tables.change(sobject, record_id, changed | self.touched())
        self._saved(sobject, record_id, row, current)

    def _saved(self, sobject: SObject, record_id: str, row: Current, before: Current) -> None:
        """Let a person's other half follow; remember what automation does later."""
        person_accounts.follow(self, sobject, record_id, row, before)
        for rule in self.automation.of("touches", sobject.name):
            self.tables.touch_later(sobject, record_id, after(self.stamp, rule.seconds))

    def _writable(self, sobject: SObject, verb: str) -> None:
        if not sobject.writable:
            message = f"entity type cannot be {verb}: {sobject.label}"
            raise ApiError("INVALID_TYPE_FOR_OPERATION", message)

    def _defaults(self, sobject: SObject) -> Current:
        return {
            name: self.user if value == OWN_USER else value
            for name, value in sobject.defaults.items()
        }
