"""What an operator lets people do: /_sim/records/merge, convert, undelete, purge; jobs held."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.record_actions import Outcome, People

Act = Callable[[People, Asked], Row]


@dataclass(frozen=True)
class HeldJobs:
    """Whether Bulk jobs wait instead of being worked on: `{"hold": true}`."""

    org: Org

    def state(self) -> object:
        """Tell whether they wait."""
        return {"hold": self.org.background.held}

    def change(self, asked: Asked) -> None:
        """Let them wait, or go on."""
        hold = asked.value("hold")
        if not isinstance(hold, bool):
            raise AskedError("hold", "has to be true or false")
        asked.done()
        self.org.background.hold(held=hold)

    def reset(self) -> None:
        """Let them go on."""
        self.org.background.hold(held=False)


@dataclass(frozen=True)
class RecordActions:
    """Answers /_sim/records/…; `user` is who acts, the admin without it."""

    server: Server

    async def act(self, request: Request) -> Response:
        """Do one thing to records."""
        action = ACTIONS.get(request.path_params["action"])
        if action is None:
            known = ", ".join(ACTIONS)
            return JSONResponse({"error": f"there is no such action; there are {known}"}, 404)
        try:
            asked = Asked(await request.body())
            return JSONResponse(await run_in_threadpool(self._done, action, asked))
        except AskedError as exc:
            return JSONResponse(exc.body(), 400)
        except ApiError as exc:
            return JSONResponse(exc.body(), exc.status)

    def _done(self, action: Act, asked: Asked) -> Row:
        user = asked.text("user") or self.server.identity.user_id
        return action(People(self.server.org, user), asked)


def _merge(people: People, asked: Asked) -> Row:
    master, losers = asked.required("master"), asked.texts("losers")
    sobject = asked.text("object")
    values = asked.value("values", {})
    asked.done()
    if not isinstance(values, dict):
        raise AskedError("values", "has to be an object")
    if sobject is not None and people.kind(master).name != sobject:
        raise AskedError("object", "is not what the master is")
    return asdict(people.merge(master, losers, values))


def _convert(people: People, asked: Asked) -> Row:
    lead = asked.required("lead")
    names = ("account", "contact", "opportunity", "status")
    given = {name: asked.text(name) for name in names}
    asked.done()
    return asdict(people.convert(lead, **given))


def _undelete(people: People, asked: Asked) -> Row:
    return _told(people.undelete(_ids(asked)))


def _purge(people: People, asked: Asked) -> Row:
    return _told(people.purge(_ids(asked)))


def _ids(asked: Asked) -> list[str]:
    ids = list(asked.texts("ids"))
    asked.done()
    return ids


def _told(outcomes: list[Outcome]) -> Row:
    results: list[Row] = [
        {
            "id": one.record_id,
            "success": one.error is None,
            "errors": one.error.items() if one.error else [],
        }
        for one in outcomes
    ]
    return {"results": results}


ACTIONS: dict[str, Act] = {
    "merge": _merge,
    "convert": _convert,
    "undelete": _undelete,
    "purge": _purge,
}


def record_action_routes(server: Server) -> list[Route]:
    """Return the routes of what people do."""
    actions = RecordActions(server)
    return [Route("/_sim/records/{action}", actions.act, methods=["POST"])]
