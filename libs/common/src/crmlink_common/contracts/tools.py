"""What an assistant runtime asks for, and what it is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from crmlink_common.contracts.cloudevents import Contract, Data, Id, Topic

ToolName = Annotated[str, Field(min_length=1, max_length=64)]


class ToolRequest(Data):
    """One call of a tool. The same request id again is the same request."""

    conversation_id: Id
    request_id: Id
    tool: ToolName
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    deadline: AwareDatetime
    member_id: str = ""  # of whom the conversation is: "this member's record"

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.conversation_id}"


class ToolError(Contract):
    code: str
    title: str
    detail: str = ""
    cure: str = ""
    field: str = ""
    line: int | None = None
    column: int | None = None


class ToolReply(Data):
    """``total`` is how many there are when the result was cut, if Salesforce could say."""

    conversation_id: Id
    request_id: Id
    tool: ToolName
    ok: bool
    result: JsonValue = None
    error: ToolError | None = None
    truncated: bool = False
    total: int | None = None

    @property
    def key(self) -> str:
        return f"{self.workspace_id}/{self.conversation_id}"


TOOL_REQUESTS_V1 = Topic(
    "tool-requests.v1",
    ToolRequest,
    writers=frozenset({"assistant-runtime", "gateway"}),
    kept=timedelta(hours=1),
)
TOOL_REPLIES_V1 = Topic(
    "tool-replies.v1", ToolReply, writers=frozenset({"tools"}), kept=timedelta(hours=1)
)
REPLY_TOPIC_HEADER = "reply_topic"  # names another topic for the reply
REPLY_TOPIC_PATTERN = r"^tool-replies\.[a-z0-9-]{1,64}\.v1$"  # and no other may be named
