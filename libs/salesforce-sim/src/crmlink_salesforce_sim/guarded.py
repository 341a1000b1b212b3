"""A writer that meets locked rows and record failures first."""

from crmlink_salesforce_sim.records import Writer
from crmlink_salesforce_sim.row_faults import RowFaults
from crmlink_salesforce_sim.schema import SObject


class GuardedWriter(Writer):
    """Refuses what an operator asked to be refused; otherwise it writes."""

    faults: RowFaults

    def guard(self, sobject: SObject, record_id: str | None) -> None:
        """Raise when a record cannot be had; None stands for one to be created."""
        self.faults.check(sobject.name, record_id)
