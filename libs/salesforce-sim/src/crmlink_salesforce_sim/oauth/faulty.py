"""The operator's faults for OAuth calls: only rules that name them by kind or path."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmlink_salesforce_sim.faults import Asking, Faults
from crmlink_salesforce_sim.oauth.errors import OAuthError
from crmlink_salesforce_sim.spoilt import spoilt

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Faulty:
    """Lets an endpoint take longer, fail, or answer badly, when an operator asked for it."""

    faults: Faults

    def around(self, name: str, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint, known to filters as kind and path `oauth/<name>`."""

        async def answer(request: Request) -> Response:
            asking = Asking(request.method, f"oauth/{name}", f"oauth/{name}")
            if (latency := self.faults.latencies.take(asking)) is not None:
                await self.faults.pause(latency.seconds())
            if (failure := self.faults.failures.take(asking)) is not None:
                error = OAuthError(failure.code, failure.message or failure.code, failure.status)
                return JSONResponse(error.body(), error.status)
            if (spoil := self.faults.spoils.take(asking)) is None:
                return await endpoint(request)
            if spoil.fault == "late":
                await request.body()  # it has come, whether or not the caller stays
                await self.faults.pause(spoil.seconds)
            return spoilt(spoil, await endpoint(request) if spoil.done else None)

        return answer
