"""Settings of the org itself: counts, limits, clock, tokens."""

from collections import defaultdict
from dataclasses import dataclass

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.faults import Faults
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.times import read_datetime, written

YEARS = 10 * 366 * 86_400.0


@dataclass(frozen=True)
class Counts:
    """What was written, by whom, and which calls were made."""

    org: Org

    def state(self) -> object:
        """Return writes by object and by caller, calls by kind and by caller."""
        with self.org.store.reading() as connection:
            rows = connection.execute("SELECT sobject, client, kind, n FROM sim_writes").fetchall()
        by_object: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        by_client: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for sobject, client, kind, n in rows:
            by_object[sobject][kind] += n
            by_client[client][sobject][kind] = n
        calls, callers = self.org.usage.counted()
        return {"objects": by_object, "clients": by_client, "calls": calls, "callers": callers}

    def change(self, asked: Asked) -> None:
        """Refuse: what happened is counted, not set."""
        asked.done()
        raise AskedError("counts", "cannot be set; DELETE resets them")

    def reset(self) -> None:
        """Count from nought; the use of the day stays."""
        self.org.usage.reset_counts()
        with self.org.store.writing() as connection:
            connection.execute("DELETE FROM sim_writes")


@dataclass(frozen=True)
class Limits:
    """The daily limit, what of it is used, and how many long calls may run."""

    org: Org
    faults: Faults

    def state(self) -> object:
        """Return use and limits."""
        usage = self.org.usage
        return {
            "used": usage.used(),
            "max": usage.most,
            "exhausted": usage.refuses,
            "long_call_seconds": self.faults.long_call_seconds,
            "most_long_calls": self.faults.most_long_calls,
        }

    def change(self, asked: Asked) -> None:
        """Set `max`, `used`, or `exhaust` the day; `most_long_calls`, `long_call_seconds`."""
        usage, faults = self.org.usage, self.faults
        most = asked.whole("max", usage.most, 1)
        used = asked.whole("used", -1, 0) if "used" in asked else None
        exhaust = asked.flag("exhaust", default=False)
        seconds = asked.number("long_call_seconds", faults.long_call_seconds)
        calls = asked.whole("most_long_calls", faults.most_long_calls, 1)
        asked.done()
        usage.most = most
        faults.long_call_seconds, faults.most_long_calls = seconds, calls
        if exhaust:
            usage.exhaust()
        elif used is not None:
            usage.set_used(used)

    def reset(self) -> None:
        """Go back to the limits of the start, with nothing used."""
        self.org.usage.most = self.org.daily_calls
        self.org.usage.set_used(0)
        usual = Faults()
        self.faults.long_call_seconds = usual.long_call_seconds
        self.faults.most_long_calls = usual.most_long_calls


@dataclass(frozen=True)
class Clock:
    """The org's clock against the real one."""

    org: Org

    def state(self) -> object:
        """Return the org's time and how far it is ahead."""
        return {"now": written(self.org.now()), "offset_seconds": self.org.now.offset_seconds}

    def change(self, asked: Asked) -> None:
        """Set `offset_seconds`, move by `seconds`, or set the time to `now`."""
        given = [one for one in ("offset_seconds", "seconds", "now") if one in asked]
        if len(given) != 1:
            raise AskedError("offset_seconds", "is needed, or seconds, or now; one of them")
        if given == ["now"]:
            if (moment := read_datetime(asked.required("now"))) is None:
                raise AskedError("now", "has to be a time such as 2026-05-01T07:25:37Z")
            asked.done()
            self.org.now.set_to(moment)
            return
        seconds = asked.number(given[0], 0.0, -YEARS, YEARS)
        asked.done()
        if given == ["seconds"]:
            self.org.now.move(seconds)
        else:
            self.org.now.set_offset(seconds)

    def reset(self) -> None:
        """Let the org's clock be right."""
        self.org.now.set_offset(0)


@dataclass(frozen=True)
class Revoke:
    """Ends tokens, as an admin does who blocks the app or ends sessions."""

    server: Server

    def state(self) -> object:
        """Return how many sessions and approvals there are."""
        sessions, approvals = self.server.tokens.counted()
        return {"access": sessions, "refresh": approvals}

    def change(self, asked: Asked) -> None:
        """End `tokens` (all; access: sessions expire; refresh), of one `user` or of everybody."""
        which = asked.one_of("tokens", ("all", "access", "refresh"), "all")
        user = asked.text("user")
        asked.done()
        self.server.tokens.revoke_all(user, access=which != "refresh", refresh=which != "access")

    def reset(self) -> None:
        """End all."""
        self.server.tokens.revoke_all()


@dataclass(frozen=True)
class HandedOut:
    """Codes, verifiers, states and tokens since the start, in plain."""

    server: Server

    def state(self) -> object:
        """Return them by kind."""
        return self.server.handed.told()

    def change(self, asked: Asked) -> None:
        """Refuse: what happened cannot be set."""
        asked.done()
        raise AskedError("handed-out", "cannot be set; DELETE forgets what there is")

    def reset(self) -> None:
        """Forget them; they go on working."""
        self.server.handed.forget()


@dataclass(frozen=True)
class AppControl:
    """The app's settings; the same as at /setup/app.json, without a password."""

    server: Server

    def state(self) -> object:
        """Return every setting."""
        return self.server.app.told()

    def change(self, asked: Asked) -> None:
        """Change the settings that are given."""
        self.server.app.change(asked)

    def reset(self) -> None:
        """Go back to the settings of the start; the callback URLs stay."""
        self.server.app.reset()
