"""The data API over HTTP: who calls, what it costs, and the answer's form."""

import asyncio
import gzip
import itertools
import json
import random
import re
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from crmlink_salesforce_sim.api.call import Answer, Call, split_url
from crmlink_salesforce_sim.api.limits import versions
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.api.xml import XML_TYPE, as_xml, wants_xml
from crmlink_salesforce_sim.edge import (
    METHOD_PARAMETER,
    check_media,
    check_size,
    kind_of,
    read_body,
    unpacked,
    writes,
)
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.faults import Asking, Faults, Spoil
from crmlink_salesforce_sim.oauth.tokens import Tokens
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.spoilt import spoilt

JSON_TYPE = "application/json;charset=UTF-8"
NO_STORE = "no-cache,must-revalidate,max-age=0,no-store,private"
PACKED_FROM = 1000  # bytes: a smaller answer is not worth packing
_CLIENT = re.compile(r"client\s*=\s*([^,;\s]+)")
_OAUTH = re.compile(r"(?:Bearer|OAuth)\s+(\S+)\s*\Z", re.IGNORECASE)
_NO_BODY = (204, 304)
_FOR_DATA = {"api", "full"}  # the scopes that open the data API
TEXT_TYPE = "text/csv;charset=UTF-8"
TOO_MANY_LONG = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
Work = Callable[[], Answer]


@dataclass(frozen=True)
class DataApi:
    """Everything under /services/data."""

    org: Org
    router: Router
    tokens: Tokens
    faults: Faults
    ticks: Callable[[], float] = time.monotonic
    _running: dict[int, float] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _late: set[asyncio.Task[Answer]] = field(default_factory=set)

    async def versions(self, request: Request) -> Response:
        """Answer the list of versions; it takes no session and costs nothing."""
        return self._response(Answer(versions()), request)

    async def call(self, request: Request) -> Response:
        """Answer one call of the data API."""
        with self.running():
            try:
                return await self._call(request)
            except ApiError as exc:
                return self._response(Answer(exc.body(), exc.status), request)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be a call that runs for as long as the block takes."""
        number = next(self._numbers)
        self._running[number] = self.ticks()
        try:
            yield
        finally:
            del self._running[number]

    async def _call(self, request: Request) -> Response:
        check_size(request)
        call = _read(request)
        asking = Asking(call.method, "/".join(call.path), kind_of(call.path), call.client)
        if (latency := self.faults.latencies.take(asking)) is not None:
            await self.faults.pause(latency.seconds())
        body = await read_body(request, asking.kind)
        work = partial(self._answer, request, call, asking, body)
        spoil = self.faults.spoils.take(asking)
        if spoil is None:
            return self._response(await self._done(work, asking, body), request)
        response = None
        if spoil.done:
            answer = await self._done(work, asking, body, spoil)
            response = self._response(answer, request)
        return spoilt(spoil, response)

    async def _done(
        self, work: Work, asking: Asking, body: bytes, spoil: Spoil | None = None
    ) -> Answer:
        """Carry the call out: at once, or later than the caller may wait for."""
        late_commits = self.faults.late_commits
        late = late_commits.take(asking) if late_commits.waiting and writes(asking, body) else None
        if late is not None:
            return await self._later(self._committed_late(work, late.seconds))
        if spoil is not None and spoil.fault == "late":
            return await self._later(self._after(work, spoil.seconds))
        return await run_in_threadpool(work)

    async def _later(self, work: Coroutine[None, None, Answer]) -> Answer:
        """Wait for it; it is done whether or not the caller is still there."""
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return await asyncio.shield(task)

    async def _after(self, work: Work, seconds: float) -> Answer:
        await self.faults.pause(seconds)
        return await run_in_threadpool(work)

    async def _committed_late(self, work: Work, seconds: float) -> Answer:
        """Write with the stamp of now, to be seen after these seconds: a long transaction."""
        begun = self.org.now()
        with self.org.transactions.running(begun):
            await self.faults.pause(seconds)
            with self.org.begun(begun):
                return await run_in_threadpool(work)

    def _answer(self, request: Request, call: Call, asking: Asking, body: bytes) -> Answer:
        """Check who calls, count the call, and let the resource answer."""
        user = self._user(request)
        usage = self.org.usage
        self.org.upkeep.catch_up()
        if asking.kind != "composite/batch":  # each part of a batch counts, the batch does not
            usage.count(asking.kind, caller=call.client)
        answer = self.refused(asking) or self._asked(request, call, asking, user, body)
        answer.headers["Sforce-Limit-Info"] = usage.header
        return answer

    def _asked(
        self, request: Request, call: Call, asking: Asking, user: str, body: bytes
    ) -> Answer:
        try:
            check_media(request, asking.kind)
            body = unpacked(body, request.headers.get("content-encoding", ""), asking.kind)
        except ApiError as exc:
            return Answer(exc.body(), exc.status)
        whole = replace(call, user=user, body=body, headers=self._headers(request, asking))
        return self.router.answer(self.org, whole)

    def _headers(self, request: Request, asking: Asking) -> dict[str, str]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.faults.page_sizes is not None and asking.kind in ("query", "queryAll"):
            size = random.randint(*self.faults.page_sizes)  # noqa: S311 - pages of a practice org
            headers["sforce-query-options"] = f"batchSize={size}"
        return headers

    def refused(self, asking: Asking) -> Answer | None:
        """Return why a call is not carried out: an operator's fault, or a limit."""
        if (failure := self.faults.failures.take(asking)) is not None:
            error = failure.error()
        elif self.org.usage.refuses:
            error = ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403)
        elif self._too_many_long():
            error = ApiError("REQUEST_LIMIT_EXCEEDED", TOO_MANY_LONG, 403)
        else:
            return None
        return Answer(error.body(), error.status)

    def _too_many_long(self) -> bool:
        """Tell whether as many calls as may have run for 20 s or more (facts §9)."""
        most = self.faults.most_long_calls
        if len(self._running) <= most:
            return False
        before = self.ticks() - self.faults.long_call_seconds
        return sum(begun <= before for begun in list(self._running.values())) >= most

    def _user(self, request: Request) -> str:
        header = request.headers.get("authorization")
        found = _OAUTH.match(header) if header else None
        if header and not found:
            raise ApiError("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", 401)
        session = self.tokens.session(found[1]) if found else None
        if session is None:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid", 401)
        if not _FOR_DATA & set(session.scope.split()):
            message = "This session is not valid for use with the REST API"
            raise ApiError("INVALID_SESSION_ID", message, 403)
        return session.user

    def _response(self, answer: Answer, request: Request) -> Response:
        headers = {
            "Date": format_datetime(self.org.now(), usegmt=True),
            "Cache-Control": NO_STORE,
            "Vary": "Accept-Encoding",
            "X-SFDC-Request-Id": secrets.token_hex(16),
            "X-Robots-Tag": "none",
            "Server": "sfdcedge",
            **answer.headers,
        }
        headers["X-Request-Id"] = headers["X-SFDC-Request-Id"]
        if answer.status in _NO_BODY or request.method == "HEAD":
            return Response(status_code=answer.status, headers=headers)
        body, media = _body(answer.body, request)
        headers.setdefault("Content-Type", media)
        if len(body) > PACKED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        return Response(body, answer.status, headers)


def _body(document: object, request: Request) -> tuple[bytes, str]:
    """Return the body and its type; what is text already, such as CSV, stays as it is."""
    if isinstance(document, bytes):
        return document, TEXT_TYPE
    if isinstance(document, str):
        return document.encode(), TEXT_TYPE
    if wants_xml(request.headers.get("accept", "")):
        return as_xml(document), XML_TYPE
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode(), JSON_TYPE


def _read(request: Request) -> Call:
    """Return the call as far as the address and the headers tell it."""
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    version, names, params = split_url(f"{path}?{request.url.query}")
    client = _CLIENT.search(request.headers.get("sforce-call-options", ""))
    method = request.method
    if method == "POST" and METHOD_PARAMETER in params:  # for clients that know no PATCH
        method = params.pop(METHOD_PARAMETER).upper()
    return Call(
        method=method,
        path=names,
        version=version,
        user="",
        client=client[1] if client else "",
        params=params,
        origin=f"{request.url.scheme}://{request.url.netloc}",
    )
