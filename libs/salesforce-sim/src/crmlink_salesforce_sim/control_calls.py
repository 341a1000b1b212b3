"""Settings for calls: failures, latency, spoilt answers, late commits, page sizes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.faults import (
    BY_STATUS,
    Failure,
    Faults,
    Filter,
    LateCommit,
    Latency,
    Rules,
    Spoil,
    Spoiling,
)
from crmlink_salesforce_sim.org import Org

SPOILINGS = ("drop", "late", "truncate", "html", "content_type", "redirect")
MOST_SECONDS = 3600.0
MOST_MS = 600_000.0  # ten minutes, as long as a call may run


def filter_of(asked: Asked) -> Filter:
    """Return which calls are meant; all where nothing is said."""
    return Filter(
        asked.text("method"), asked.text("path"), asked.text("kind"), asked.text("client")
    )


@dataclass(frozen=True)
class _OfRules(ABC):
    faults: Faults

    @property
    @abstractmethod
    def _rules(self) -> Rules[Any]:
        """Return the rules of this kind."""

    def state(self) -> object:
        """Return the rules that still hold."""
        return {"rules": self._rules.state()}

    def reset(self) -> None:
        """Take every rule back."""
        self._rules.clear()


class Failures(_OfRules):
    """The next calls that fail, with nothing done."""

    @property
    def _rules(self) -> Rules[Failure]:
        return self.faults.failures

    def change(self, asked: Asked) -> None:
        """Let `count` calls fail with `status`, `code`, `message`, after `skip` that pass."""
        count, skip = asked.whole("count", 1), asked.whole("skip", 0)
        status = asked.whole("status", 503, 400, 599)
        code = asked.text("code") or BY_STATUS.get(status, "UNKNOWN_EXCEPTION")
        failure = Failure(status, code, asked.text("message"))
        chosen = filter_of(asked)
        asked.done()
        self._rules.add(chosen, failure, count, skip)


class Latencies(_OfRules):
    """How much longer calls take."""

    @property
    def _rules(self) -> Rules[Latency]:
        return self.faults.latencies

    def change(self, asked: Asked) -> None:
        """Let calls take `ms` longer, or between `least_ms` and `most_ms`."""
        if "ms" in asked:
            least = most = asked.number("ms", 0, 0, MOST_MS)
        elif "most_ms" in asked:
            least = asked.number("least_ms", 0, 0, MOST_MS)
            most = asked.number("most_ms", 0, least, MOST_MS)
        else:
            raise AskedError("ms", "is needed, or least_ms and most_ms")
        count = asked.whole("count", 0) or None
        chosen = filter_of(asked)
        asked.done()
        self._rules.add(chosen, Latency(least, most), 0 if most == 0 else count)


class Answers(_OfRules):
    """What becomes of the answers of the next calls."""

    @property
    def _rules(self) -> Rules[Spoil]:
        return self.faults.spoils

    def change(self, asked: Asked) -> None:
        """Spoil the next `count` answers; `done` tells whether the call is carried out."""
        fault = asked.one_of("fault", SPOILINGS)
        usual = Spoil("drop")
        spoil = Spoil(
            fault=cast("Spoiling", fault),
            done=asked.flag("done", default=fault not in ("html", "redirect")),
            seconds=asked.number("seconds", 0.0, 0.0, MOST_SECONDS),
            status=asked.whole("status", usual.status, 300, 599),
            location=asked.text("location") or usual.location,
            content_type=asked.text("content_type") or usual.content_type,
        )
        if fault == "late" and not spoil.done:
            raise AskedError("done", "a late call is carried out; use fail for one that is not")
        count, skip = asked.whole("count", 1), asked.whole("skip", 0)
        chosen = filter_of(asked)
        asked.done()
        self._rules.add(chosen, spoil, count, skip)


@dataclass(frozen=True)
class LateCommits(_OfRules):
    """The next writes that are stamped now and seen later."""

    org: Org

    @property
    def _rules(self) -> Rules[LateCommit]:
        return self.faults.late_commits

    def state(self) -> object:
        """Return the rules, and how many transactions run."""
        return {"rules": self._rules.state(), "running": len(self.org.transactions)}

    def change(self, asked: Asked) -> None:
        """Let the next `count` writes be seen `seconds` after their stamp."""
        seconds = asked.number("seconds", 5.0, 0.0, MOST_SECONDS)
        count = asked.whole("count", 1)
        chosen = filter_of(asked)
        asked.done()
        self._rules.add(chosen, LateCommit(seconds), count)


@dataclass(frozen=True)
class Pages:
    """How many records a page of a query has."""

    faults: Faults

    def state(self) -> object:
        """Return the least and the most, null where the org decides."""
        least, most = self.faults.page_sizes or (None, None)
        return {"least": least, "most": most}

    def change(self, asked: Asked) -> None:
        """Let pages have `least` to `most` records, 200 to 2,000 as in a real org."""
        least = asked.whole("least", 200, 200, 2000)
        most = asked.whole("most", max(least, 2000), least, 2000)
        asked.done()
        self.faults.page_sizes = (least, most)

    def reset(self) -> None:
        """Let the org decide."""
        self.faults.page_sizes = None
