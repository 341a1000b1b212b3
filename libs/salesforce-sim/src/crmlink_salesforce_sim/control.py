"""The operator's API under /_sim: every setting as JSON, to be read, set and reset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.control_calls import Answers, Failures, LateCommits, Latencies, Pages
from crmlink_salesforce_sim.control_org import (
    AppControl,
    Clock,
    Counts,
    HandedOut,
    Limits,
    Revoke,
)
from crmlink_salesforce_sim.control_people import HeldJobs
from crmlink_salesforce_sim.control_rows import RecordFailures, RowLocks
from crmlink_salesforce_sim.control_rules import DuplicateRules, PersonAccounts, Rules
from crmlink_salesforce_sim.control_schema import SchemaControl
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.faults import Faults
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.schema_changes import SchemaChanges
from crmlink_salesforce_sim.snapshots import Snapshots

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
MOST_ASKED = 10_000_000
MOST_DIGITS = 6
CLOSED_TEXT = "the control API is closed: start the simulator with --control to open it"


class Setting(Protocol):
    """One thing an operator can read, set and reset."""

    def state(self) -> object:
        """Return the present state."""

    def change(self, asked: Asked) -> None:
        """Set it; AskedError names the field that cannot be."""

    def reset(self) -> None:
        """Go back to what it was at the start."""


@dataclass(frozen=True)
class Control:
    """Answers /_sim."""

    settings: Mapping[str, Setting]
    snapshots: Snapshots

    async def setting(self, request: Request) -> Response:
        """Read (GET), set (POST, PUT, PATCH) or reset (DELETE) one setting."""
        found = self.settings.get(request.path_params["name"])
        if found is None:
            known = ", ".join(sorted(self.settings))
            return JSONResponse({"error": f"there is no such setting; there are {known}"}, 404)
        if request.method == "GET":
            return JSONResponse(await run_in_threadpool(found.state))
        if request.method == "DELETE":
            return await _carried_out(found.reset)
        return await _asked(request, found.change)

    async def index(self, request: Request) -> Response:
        """Read every setting, or reset all of them."""
        if request.method == "GET":
            return JSONResponse(await run_in_threadpool(self._states))
        return await _carried_out(self._reset)

    async def snapshot(self, request: Request) -> Response:
        """Take (POST, PUT), compare with (GET) or forget (DELETE) a snapshot."""
        name = request.path_params["name"]
        if request.method == "GET":
            most = request.query_params.get("most", "100")
            if not most.isdecimal() or len(most) > MOST_DIGITS:
                error = AskedError("most", "has to be a whole number up to 999999")
                return JSONResponse(error.body(), 400)
            told = await run_in_threadpool(self.snapshots.compare, name, int(most))
            if told is None:
                return JSONResponse({"error": f"there is no snapshot {name}"}, 404)
            return JSONResponse(told)
        if request.method == "DELETE":
            return await _carried_out(lambda: self.snapshots.forget(name))
        return await _carried_out(lambda: self.snapshots.take(name))

    async def listed(self, request: Request) -> Response:
        """Tell which snapshots there are, or forget all."""
        if request.method == "DELETE":
            return await _carried_out(self.snapshots.forget_all)
        return JSONResponse({"snapshots": await run_in_threadpool(self.snapshots.names)})

    def _states(self) -> dict[str, object]:
        return {name: one.state() for name, one in self.settings.items()}

    def _reset(self) -> None:
        for name, one in self.settings.items():
            if name != "revoke":
                one.reset()


def control_of(server: Server, faults: Faults) -> Control:
    """Return the control of one org."""
    org = server.org
    changes = SchemaChanges(org)
    settings: dict[str, Any] = {
        "counts": Counts(org),
        "fail": Failures(faults),
        "latency": Latencies(faults),
        "answers": Answers(faults),
        "late-commits": LateCommits(faults, org),
        "page-size": Pages(faults),
        "record-failures": RecordFailures(org.row_faults),
        "jobs": HeldJobs(org),
        "locks": RowLocks(org.row_faults),
        "limits": Limits(org, faults),
        "clock": Clock(org),
        "revoke": Revoke(server),
        "handed-out": HandedOut(server),
        "app": AppControl(server),
        "schema": SchemaControl(changes),
        "automation": Rules(org.automation),
        "duplicate-rules": DuplicateRules(org.automation),
        "person-accounts": PersonAccounts(org, changes.reset),
    }
    return Control(settings, Snapshots(org))


def control_routes(control: Control) -> list[Route]:
    """Return the routes of the control API."""
    return [
        Route("/_sim", control.index, methods=["GET", "DELETE"]),
        Route("/_sim/snapshots", control.listed, methods=["GET", "DELETE"]),
        Route("/_sim/snapshots/{name}", control.snapshot, methods=METHODS),
        Route("/_sim/{name}", control.setting, methods=METHODS),
    ]


async def _closed(_: Request) -> Response:
    return JSONResponse({"error": CLOSED_TEXT}, 404)


CLOSED = Route("/_sim{rest:path}", _closed, methods=METHODS)


async def _asked(request: Request, change: Callable[[Asked], None]) -> Response:
    document = await request.body()
    if len(document) > MOST_ASKED:
        return JSONResponse({"error": "body: is too large", "field": "body"}, 413)
    return await _carried_out(lambda: change(Asked(document)))


async def _carried_out(work: Callable[[], None]) -> Response:
    try:
        await run_in_threadpool(work)
    except AskedError as exc:
        return JSONResponse(exc.body(), 400)
    except ApiError as exc:
        return JSONResponse({"error": f"{exc.code}: {exc.message}", "field": "body"}, 400)
    return Response(status_code=204)
