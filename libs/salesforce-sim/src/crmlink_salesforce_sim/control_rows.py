"""Settings for records: locked rows, and record writes that fail inside an answer."""

from dataclasses import dataclass

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.faults import MESSAGES
from crmlink_salesforce_sim.row_faults import RowFailure, RowFaults

MOST_SECONDS = 86_400.0


@dataclass(frozen=True)
class RecordFailures:
    """The next record writes that fail, each by itself, inside a 200 answer of Collections."""

    faults: RowFaults

    def state(self) -> object:
        """Return how many are left, and what they answer."""
        left, failure = self.faults.failing()
        if failure is None:
            return {"left": 0}
        told = {"code": failure.code, "message": failure.message, "object": failure.sobject}
        return {"left": left, **told, "fields": list(failure.fields)}

    def change(self, asked: Asked) -> None:
        """Let the next `count` record writes answer `code` and `message`."""
        code = asked.text("code") or "UNABLE_TO_LOCK_ROW"
        failure = RowFailure(
            code=code,
            message=asked.text("message") or MESSAGES.get(code, code),
            sobject=asked.text("object"),
            fields=tuple(asked.texts("fields")),
        )
        count = asked.whole("count", 1)
        asked.done()
        self.faults.fail(count, failure)

    def reset(self) -> None:
        """Let record writes succeed."""
        self.faults.clear_failures()


@dataclass(frozen=True)
class RowLocks:
    """Rows nobody can write: UNABLE_TO_LOCK_ROW."""

    faults: RowFaults

    def state(self) -> object:
        """Return the locked ids with the seconds left."""
        return {"ids": self.faults.locked()}

    def change(self, asked: Asked) -> None:
        """Lock `ids` for `seconds` (without an end when absent), or the `next` record writes."""
        ids = asked.texts("ids")
        seconds = asked.number("seconds", 0.0, 0.0, MOST_SECONDS) or None
        following = asked.whole("next", 0)
        asked.done()
        if not ids and not following:
            raise AskedError("ids", "is needed, or next")
        if ids:
            self.faults.lock(ids, seconds)
        if following:
            code = "UNABLE_TO_LOCK_ROW"
            self.faults.fail(following, RowFailure(code, MESSAGES[code]))

    def reset(self) -> None:
        """Let go of every row."""
        self.faults.unlock()
