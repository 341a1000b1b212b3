"""What people do to records in the org's pages, and REST has no resource for.

Merging, converting a lead, and what happens to the recycle bin. SOAP has calls for them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from crmlink_salesforce_sim.converting import Conversion
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.ids import required_id
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.schema import SObject

MOST_RECORDS = 200  # in one call


@dataclass(frozen=True)
class Outcome:
    """What became of one record: nothing wrong, or an error."""

    record_id: str
    error: ApiError | None = None


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    master: str
    losers: list[str]
    moved: list[str]


@dataclass(frozen=True)
class People:
    """One person at work, whose client may have a name."""

    org: Org
    user: str
    client: str = ""

    def kind(self, text: str) -> SObject:
        """Return which object a record is one of."""
        return self._record(text)[0]

    def merge(self, master: str, losers: Sequence[str], values: Mapping[str, object]) -> Merged:
        """Merge one or two records into a third; ApiError when it cannot be done."""
        sobject, master_id = self._record(master)
        loser_ids = [required_id(one) for one in losers]
        with self.org.writing(self.user, self.client) as writer:
            moved = writer.merge(sobject, master_id, loser_ids, values)
        return Merged(master_id, loser_ids, moved)

    def convert(
        self,
        lead: str,
        *,
        account: str | None = None,
        contact: str | None = None,
        opportunity: str | None = None,
        status: str | None = None,
    ) -> Conversion:
        """Convert a lead; `opportunity` names one to make, "" after the lead's company."""
        lead_id = required_id(lead)
        with self.org.writing(self.user, self.client) as writer:
            if opportunity == "":
                found = writer.tables.find(self.org.schema.objects["Lead"], lead_id) or {}
                opportunity = str(found.get("Company") or found.get("Name") or "-")
            return writer.convert_lead(
                lead_id,
                account_id=required_id(account) if account else None,
                contact_id=required_id(contact) if contact else None,
                opportunity=opportunity,
                status=status,
            )

    def undelete(self, ids: Sequence[str]) -> list[Outcome]:
        """Take records out of the recycle bin, each by itself."""
        return self._each(ids, Writer.undelete)

    def empty(self, ids: Sequence[str]) -> list[Outcome]:
        """Take records of the recycle bin away for ever, each by itself."""
        return self._each(ids, Writer.empty_recycle_bin)

    def purge(self, ids: Sequence[str]) -> list[Outcome]:
        """Take records away for ever, out of the recycle bin or past it."""

        def gone(writer: Writer, sobject: SObject, record_id: str) -> None:
            if writer.tables.deleted(sobject, record_id):
                writer.empty_recycle_bin(sobject, record_id)
            else:
                writer.hard_delete(sobject, record_id)

        return self._each(ids, gone)

    def _each(
        self, ids: Sequence[str], act: Callable[[Writer, SObject, str], None]
    ) -> list[Outcome]:
        if len(ids) > MOST_RECORDS:
            message = f"record limit reached. Cannot submit more than {MOST_RECORDS} records"
            raise ApiError("EXCEEDED_ID_LIMIT", message)
        found = []
        with self.org.writing(self.user, self.client) as writer:
            for one in ids:
                try:
                    with self.org.store.writing():
                        sobject, record_id = self._record(one)
                        act(writer, sobject, record_id)
                    found.append(Outcome(record_id))
                except ApiError as exc:
                    found.append(Outcome(one, exc))
        return found

    def _record(self, text: str) -> tuple[SObject, str]:
        record_id = required_id(text)
        if (sobject := self.org.schema.of_id(record_id)) is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", 404, [])
        return sobject, record_id
