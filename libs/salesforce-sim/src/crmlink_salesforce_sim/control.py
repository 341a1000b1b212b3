"""What an operator of the simulator may do: counts, faults, latency, revocation."""

import json
from collections import defaultdict
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmlink_salesforce_sim.faults import BY_STATUS, Failure, Faults
from crmlink_salesforce_sim.oauth.tokens import Tokens
from crmlink_salesforce_sim.org import Org

ERRORS = range(400, 600)


@dataclass(frozen=True)
class Control:
    """Answers /_sim."""

    org: Org
    tokens: Tokens
    faults: Faults

    async def counts(self, _: Request) -> Response:
        """Tell what was written, by whom, and which calls were made."""
        return JSONResponse(await run_in_threadpool(self._counts))

    def _counts(self) -> dict[str, object]:
        with self.org.store.reading() as connection:
            rows = connection.execute("SELECT sobject, client, kind, n FROM sim_writes").fetchall()
        by_object: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        by_client: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for sobject, client, kind, n in rows:
            by_object[sobject][kind] += n
            by_client[client][sobject][kind] = n
        calls = dict(self.org.usage.by_kind)
        return {"objects": by_object, "clients": by_client, "calls": calls}

    async def fail(self, request: Request) -> Response:
        """Let the next data calls fail."""
        body = await _object(request)
        status, count = body.get("status", 503), body.get("count", 1)
        if not isinstance(status, int) or not isinstance(count, int) or status not in ERRORS:
            return _refused('{"count": 3, "status": 503, "code": "SERVER_UNAVAILABLE"}')
        code = str(body.get("code") or BY_STATUS.get(status, "UNKNOWN_EXCEPTION"))
        self.faults.fail(count, Failure(status, code))
        return Response(status_code=204)

    async def latency(self, request: Request) -> Response:
        """Let every data call take longer."""
        ms = (await _object(request)).get("ms")
        if not isinstance(ms, int) or ms < 0:
            return _refused('{"ms": 250}')
        self.faults.latency_ms = ms
        return Response(status_code=204)

    async def revoke(self, _: Request) -> Response:
        """End all tokens."""
        await run_in_threadpool(self.tokens.revoke_all)
        return Response(status_code=204)


async def _object(request: Request) -> dict[str, object]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refused(example: str) -> Response:
    return JSONResponse({"error": f"needed: {example}"}, 400)
