"""The data API over HTTP: who calls, what it costs, and the answer's form."""

import asyncio
import json
import re
import secrets
import zlib
from dataclasses import dataclass
from email.utils import format_datetime
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from crmlink_salesforce_sim.api.call import Answer, Call, split_url
from crmlink_salesforce_sim.api.limits import versions
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.faults import Faults
from crmlink_salesforce_sim.oauth.tokens import Tokens
from crmlink_salesforce_sim.org import Org

MOST_BODY = 50_000_000
MOST_HEADERS = 16_384
JSON_TYPE = "application/json;charset=UTF-8"
NO_STORE = "no-cache,must-revalidate,max-age=0,no-store,private"
_CLIENT = re.compile(r"client\s*=\s*([^,;\s]+)")
_OAUTH = re.compile(r"(?:Bearer|OAuth)\s+(\S+)\s*\Z", re.IGNORECASE)
_NO_BODY = (204, 304)


@dataclass(frozen=True)
class DataApi:
    """Everything under /services/data."""

    org: Org
    router: Router
    tokens: Tokens
    faults: Faults

    async def versions(self, _: Request) -> Response:
        """Answer the list of versions; it takes no session and costs nothing."""
        return self._response(Answer(versions()))

    async def call(self, request: Request) -> Response:
        """Answer one call of the data API."""
        if self.faults.latency_ms:
            await asyncio.sleep(self.faults.latency_ms / 1000)
        try:
            _check_size(request)
            body = _plain(await request.body(), request.headers.get("content-encoding", ""))
            answer = await run_in_threadpool(self._answer, request, body)
        except ApiError as exc:
            return self._response(Answer(exc.body(), exc.status))
        return self._response(answer, head=request.method == "HEAD")

    def _answer(self, request: Request, body: bytes) -> Answer:
        user = self._user(request)
        path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        version, names, params = split_url(f"{path}?{request.url.query}")
        client = _CLIENT.search(request.headers.get("sforce-call-options", ""))
        call = Call(
            method=request.method,
            path=names,
            version=version,
            user=user,
            client=client[1] if client else "",
            params=params,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            origin=f"{request.url.scheme}://{request.url.netloc}",
        )
        kind = kind_of(call)
        if kind != "composite/batch":  # each part of a batch counts, the batch does not
            self.org.usage.count(kind)
        answer = self._fault() or self.router.answer(self.org, call)
        answer.headers["Sforce-Limit-Info"] = self.org.usage.header
        return answer

    def _fault(self) -> Answer | None:
        if (failure := self.faults.take()) is not None:
            error = failure.error()
        elif self.org.usage.used() > self.org.usage.most:
            message = "TotalRequests Limit exceeded."
            error = ApiError("REQUEST_LIMIT_EXCEEDED", message, 403)
        else:
            return None
        return Answer(error.body(), error.status)

    def _user(self, request: Request) -> str:
        header = request.headers.get("authorization")
        found = _OAUTH.match(header) if header else None
        if header and not found:
            raise ApiError("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", 401)
        user = self.tokens.user_of(found[1]) if found else None
        if user is None:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid", 401)
        return user

    def _response(self, answer: Answer, *, head: bool = False) -> Response:
        headers = {
            "Date": format_datetime(self.org.now(), usegmt=True),
            "Cache-Control": NO_STORE,
            "X-SFDC-Request-Id": secrets.token_hex(16),
            "X-Robots-Tag": "none",
            "Server": "sfdcedge",
            **answer.headers,
        }
        if answer.status in _NO_BODY or head:
            return Response(status_code=answer.status, headers=headers)
        body = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(body, answer.status, headers, media_type=JSON_TYPE)


def kind_of(call: Call) -> str:
    """Return what kind of call it is, for the counts."""
    depth = 2 if call.path[0] == "composite" else 1
    return "/".join(call.path[:depth]) or "resources"


def _check_size(request: Request) -> None:
    target = len(request.scope["raw_path"]) + len(request.scope["query_string"])
    if target > MOST_HEADERS:
        raise ApiError("URI_TOO_LONG", "URI too long", 414)
    if target + sum(len(name) + len(value) for name, value in request.headers.raw) > MOST_HEADERS:
        raise ApiError("REQUEST_HEADER_FIELDS_TOO_LARGE", "Request header fields too large", 431)


def _plain(body: bytes, encoding: str) -> bytes:
    """Return the body as it was before it was packed, never more than an org takes."""
    unpack = {"gzip": partial(zlib.decompressobj, 31), "deflate": partial(zlib.decompressobj, 15)}
    if encoding.lower() in unpack:
        try:
            body = unpack[encoding.lower()]().decompress(body, MOST_BODY + 1)
        except zlib.error:
            raise ApiError("JSON_PARSER_ERROR", f"the body is not {encoding}") from None
    if len(body) > MOST_BODY:
        raise ApiError("REQUEST_TOO_LARGE", "the request body is too large", 413)
    return body
