"""What an operator of the simulator may do: counts, faults, latency, revocation."""

from collections import defaultdict
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmlink_salesforce_sim.faults import BY_STATUS, Failure, Faults
from crmlink_salesforce_sim.oauth.tokens import Tokens
from crmlink_salesforce_sim.org import Org


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
        body = await request.json()
        status = int(body.get("status", 503))
        code = str(body.get("code") or BY_STATUS.get(status, "UNKNOWN_EXCEPTION"))
        self.faults.fail(int(body.get("count", 1)), Failure(status, code))
        return Response(status_code=204)

    async def latency(self, request: Request) -> Response:
        """Let every data call take longer."""
        body = await request.json()
        self.faults.latency_ms = int(body.get("ms", 0))
        return Response(status_code=204)

    async def revoke(self, _: Request) -> Response:
        """End all tokens."""
        await run_in_threadpool(self.tokens.revoke_all)
        return Response(status_code=204)
