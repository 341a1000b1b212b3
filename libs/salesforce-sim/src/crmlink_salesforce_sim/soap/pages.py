"""/services/Soap/u/{version}: the partner API over HTTP."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crmlink_salesforce_sim.api.router import check_version
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.record_actions import People
from crmlink_salesforce_sim.soap.envelope import MOST_BODY, Message, fault, read, response
from crmlink_salesforce_sim.soap.operations import OPERATIONS, SoapCall, log_in

XML_TYPE = "text/xml;charset=UTF-8"


@dataclass(frozen=True)
class SoapPages:
    """Answers SOAP calls; what goes wrong is a fault with status 500."""

    server: Server

    async def call(self, request: Request) -> Response:
        """Answer one call."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BODY:
                break  # reading it refuses it
        try:
            told = await run_in_threadpool(self._answer, request, bytes(body))
        except ApiError as exc:
            return Response(fault(exc), 500, media_type=XML_TYPE)
        return Response(told, media_type=XML_TYPE)

    def _answer(self, request: Request, body: bytes) -> str:
        version = request.path_params["version"]
        check_version(version)
        message = read(body)
        name = message.operation.name
        if name == "login":
            origin = f"{request.url.scheme}://{request.url.netloc}"
            return response(name, *log_in(self.server, message, origin, version))
        return response(name, *self._done(message))

    def _done(self, message: Message) -> list[str]:
        org, name = self.server.org, message.operation.name
        user = self.server.tokens.user_of(message.session)
        if user is None:
            raise ApiError("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader", 500)
        operation = OPERATIONS.get(name)
        if operation is None:
            raise ApiError("INVALID_OPERATION", f"No operation available for request {name}", 500)
        org.usage.count("soap", caller=message.client)
        if org.usage.refuses:
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 500)
        people = People(org, user, message.client)
        return operation(SoapCall(self.server, people, message.operation, message.session))


def soap_routes(server: Server) -> list[Route]:
    """Return the routes of the partner API."""
    pages = SoapPages(server)
    paths = ("/services/Soap/u/{version}", "/services/Soap/u/{version}/{org_id}")
    return [Route(path, pages.call, methods=["POST"]) for path in paths]
