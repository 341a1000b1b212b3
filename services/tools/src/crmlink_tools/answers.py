"""Answers one request: reads Salesforce within bounds, replies, closes the ledger's row."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.contracts.cloudevents import Attributes, Record, encode
from crmlink_common.contracts.tools import TOOL_REPLIES_V1, ToolError, ToolReply
from crmlink_common.errors import CrmLinkError, InvalidInputError, NotConnectedError, TransientError
from crmlink_common.messaging.outbox import Outbox
from crmlink_common.salesforce.budget import SENTENCES, BudgetError
from crmlink_common.salesforce.budgets import Budgets
from crmlink_common.salesforce.client import Org, QueryResult, SalesforceError
from crmlink_common.salesforce.explanations import explain
from crmlink_common.salesforce.limits import WorkClass
from crmlink_common.salesforce.soql import SoqlError, bounded, trimmed
from crmlink_tools.domain import (
    CATALOGUE,
    MAX_REPLY_BYTES,
    MAX_ROWS,
    Fault,
    Row,
    check_arguments,
    fit,
    size_of,
)
from crmlink_tools.storage.ledger import LEASE, Accepted, Ledger
from crmlink_tools.traces import Traces

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 5  # then it is the request that ends its answerers
LONGEST = 60.0  # seconds one request may take, whatever its deadline says
FAILED = "Salesforce API request failed"
NAMED_TOPIC_WAIT = 5.0  # seconds; then the reply goes to the common topic: no such topic, it seems
REFUSALS = {
    "feature_disabled": "Salesforce is not switched on for this workspace.",
    "connection_disabled": "The Salesforce connection is disabled: enable it on the Overview tab.",
    "awaiting_oauth": "Click Connect with Salesforce on the Overview tab.",
    "org_not_confirmed": "An admin has to choose Use this org, or Go back, on the Overview tab.",
    "error": "Click Disconnect, then Connect with Salesforce, on the Overview tab.",
}
GIVEN_UP = ToolError(
    code="not_answered",
    title="The request could not be answered",
    cure="Ask in another way.",
)
TOO_LARGE = ToolError(
    code="result_too_large",
    title="The record is too large for a reply",
    cure="Name the fields you need.",
    field="fields",
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    result: JsonValue = None
    error: ToolError | None = None
    traced: bool = False  # a person would want to know
    truncated: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Takes open requests and replies to each at least once."""

    sessions: async_sessionmaker[AsyncSession]
    open_org: Callable[[str], Awaitable[Org]]
    publish: Callable[[Sequence[Record]], Awaitable[None]]
    holder: str
    per_workspace: int
    lease: timedelta = LEASE
    named_topic_wait: float = NAMED_TOPIC_WAIT
    traces: Traces = field(default_factory=Traces)
    budgets: Budgets = field(default_factory=Budgets)
    now: Callable[[], datetime] = _now
    new_id: Callable[[], UUID] = uuid4

    async def answer_one(self) -> bool:
        """Answer the oldest open request; say whether there was one."""
        async with self.sessions.begin() as session:
            request = await Ledger(session).claim(self.holder, self.per_workspace, self.lease)
        if request is None:
            return False
        try:
            answer = await self._answer(request)
            await self._send(request, self._reply(request, answer))
        except TransientError:
            async with self.sessions.begin() as session:
                await Ledger(session).release(request)
            raise
        async with self.sessions.begin() as session:
            code = answer.error.code if answer.error else "ok"
            await Ledger(session).answered(request, code)
            if answer.traced:
                trace = self.traces.of_refusal(request.workspace_id, request.tool, code)
                await Outbox(session).add(trace)
        tool = request.tool if request.tool in CATALOGUE else "unknown"
        log.info("tool answered", extra={"tool": tool, "code": code})
        return True

    async def forget(self) -> bool:
        """Drop old rows of the ledger; say whether there may be more."""
        async with self.sessions.begin() as session:
            return await Ledger(session).forget() > 0

    async def _send(self, request: Accepted, reply: Record) -> None:
        """Reply where asked to, or, if that cannot be written to, where all replies go."""
        if request.reply_topic != reply.topic:
            try:
                async with asyncio.timeout(self.named_topic_wait):
                    await self.publish([replace(reply, topic=request.reply_topic)])
            except (TransientError, TimeoutError):
                log.warning("reply topic not writable")
            else:
                return
        await self.publish([reply])

    async def _answer(self, request: Accepted) -> Answer:
        refused = self._objection(request)
        if refused is not None:
            return Answer(error=refused)
        async with self.sessions() as session:
            access = await Ledger(session).access(request.workspace_id)
        if access.refusal:
            cure = REFUSALS.get(access.refusal, "Connect Salesforce on the Overview tab.")
            error = _error(access.refusal, "The Salesforce connection is not active", cure)
            return Answer(error=error, traced=not access.stranger)
        seconds = min((request.deadline - self.now()).total_seconds(), LONGEST)
        try:
            async with asyncio.timeout(seconds):
                org = await self.open_org(request.workspace_id)
                return await self._within_budget(org, request)
        except (CrmLinkError, TimeoutError) as exc:
            return Answer(error=told(exc))

    async def _within_budget(self, org: Org, request: Accepted) -> Answer:
        """Ask the org if it may be asked; a conversation does not wait, it hears until when."""
        await self.budgets.admit(org, WorkClass.ASSISTANT)
        place = request.workspace_id, org.org_id
        try:
            return await self._execute(org, request)
        except CrmLinkError as exc:
            self.budgets.refused(*place, exc)
            raise
        finally:
            self.budgets.heard(*place, org.usage)

    def _objection(self, request: Accepted) -> ToolError | None:
        """Say what is wrong with the request itself."""
        if request.reply_refused:
            cure = "Name a topic tool-replies.<name>.v1, or none."
            return _error("reply_topic_refused", "The reply topic is not allowed", cure)
        if request.attempts > MOST_ATTEMPTS:
            return GIVEN_UP
        if self.now() >= request.deadline:
            return _error("deadline_exceeded", "The request's deadline has passed")
        tool = CATALOGUE.get(request.tool)
        if tool is None:
            return _error("unknown_tool", "No such tool", f"Use one of: {', '.join(CATALOGUE)}.")
        fault = check_arguments(tool, request.arguments)
        return None if fault is None else _of_fault(fault)

    async def _execute(self, org: Org, request: Accepted) -> Answer:
        arguments: Mapping[str, Any] = request.arguments
        match request.tool:
            case "salesforce_query":
                return await self._query(org, arguments["query"])
            case _:
                record = await org.get(
                    arguments["object_type"], arguments["record_id"], arguments.get("fields")
                )
                if size_of(record) > MAX_REPLY_BYTES:
                    return Answer(error=TOO_LARGE)
                return Answer(result={"record": record})

    async def _query(self, org: Org, query: str) -> Answer:
        asked = await asyncio.to_thread(bounded, query, MAX_ROWS)  # a long one takes its time
        page = await _whole(org, asked.query)
        records: list[Row] = list(page.records[:MAX_ROWS])
        total: int | None = None
        full = len(records) >= asked.max_rows
        if full and asked.countable is not None:
            total = (await org.query(asked.countable)).total_size
        if not records and page.total_size:  # COUNT() answers in totalSize alone
            return Answer(result={"records": [], "total_size": page.total_size})
        records, children_cut = trimmed(records, MAX_ROWS)
        records, too_large = fit(records)
        more = total is not None and total > len(records)
        cut = children_cut or too_large or more or not page.done
        result: JsonValue = {"records": list(records), "total_size": page.total_size}
        return Answer(result=result, truncated=cut, total=total)

    def _reply(self, request: Accepted, answer: Answer) -> Record:
        reply = ToolReply(
            workspace_id=request.workspace_id,
            conversation_id=request.conversation_id,
            request_id=request.request_id,
            tool=request.tool,
            ok=answer.error is None,
            result=answer.result,
            error=answer.error,
            truncated=answer.truncated,
            total=answer.total,
        )
        return encode(
            TOOL_REPLIES_V1,
            reply,
            event_id=str(self.new_id()),
            source="/tools",
            time=self.now(),
            cause=_cause(request, self.now()),
        )


async def _whole(org: Org, soql: str) -> QueryResult:
    """Read on from the first page, which may be shorter than the query's limit."""
    page = await org.query(soql)
    records, last = list(page.records), page
    while last.next_path is not None and last.records and len(records) < MAX_ROWS:
        last = await org.query_more(last.next_path)
        records += last.records
    return QueryResult(records, page.total_size, last.done)


def _cause(request: Accepted, now: datetime) -> Attributes:
    return Attributes(
        id=request.event_id,
        source="/assistant-runtime",
        type="crmlink.tool-requests.v1",
        subject=f"{request.workspace_id}/{request.conversation_id}",
        time=now,
        dataschema="urn:crmlink:schema:tool-requests.v1",
        workspaceid=request.workspace_id,
        traceparent=request.traceparent or None,
    )


def told(exc: CrmLinkError | TimeoutError) -> ToolError:
    """Say to an assistant what went wrong, by code, with what it can do about it."""
    match exc:
        case TimeoutError():
            return _error("deadline_exceeded", "Salesforce took too long")
        case SoqlError():
            error = _error(exc.code, str(exc), cure=exc.cure or "", field="query")
            return error.model_copy(update={"line": exc.line, "column": exc.column})
        case InvalidInputError():
            return _error("invalid_argument", str(exc), exc.cure or "", exc.field or "")
        case NotConnectedError():
            return _error(exc.code, FAILED, REFUSALS["error"])
        case SalesforceError() | BudgetError():
            return _of_org(exc)
        case _:
            return _error(exc.code, FAILED)


def _of_org(exc: SalesforceError | BudgetError) -> ToolError:
    if isinstance(exc, BudgetError):
        error = _error(exc.code, FAILED, f"Ask again after {exc.until:%H:%M} UTC.")
        return error.model_copy(update={"detail": SENTENCES.get(exc.code, "")})
    seen = explain(exc.salesforce_code, exc)
    error = _error(exc.salesforce_code, FAILED, seen.cure, ",".join(exc.fields))
    return error.model_copy(update={"detail": seen.message})


def _error(code: str, title: str, cure: str = "", field: str = "") -> ToolError:
    return ToolError(code=code, title=title, cure=cure, field=field)


def _of_fault(fault: Fault) -> ToolError:
    return _error(fault.code, fault.title, fault.cure, fault.field)
