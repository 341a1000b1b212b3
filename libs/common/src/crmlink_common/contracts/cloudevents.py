"""CloudEvents 1.0, Kafka binary mode: attributes in ce_ headers, JSON data in the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from crmlink_common.errors import ContractError

MAX_BYTES = 900_000  # one larger row would stop the relay for good


class Contract(BaseModel):
    """Frozen; a reader ignores what it does not know; errors never show the input."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


# An id becomes part of an index key (PostgreSQL allows 2.7 kB) and of a Kafka key, cut at its "/".
Id = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")]
WorkspaceId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Revision = Annotated[int, Field(ge=0, le=2**63 - 1)]  # fits PostgreSQL's bigint


class Data(Contract):
    """What a value holds. Every message belongs to a workspace."""

    workspace_id: WorkspaceId

    @property
    def key(self) -> str:
        """Decide the order of messages, here and nowhere else."""
        return self.workspace_id


DataT = TypeVar("DataT", bound=Data)


@dataclass(frozen=True, slots=True)
class Deleted:
    """Stands for the data when the value is null: the key is gone as of this version."""

    key: str
    version: int


class Attributes(Contract):
    specversion: str = Field("1.0", pattern=r"^1\.0$")
    id: str
    source: str
    type: str
    subject: str = Field(max_length=511)
    time: AwareDatetime
    dataschema: str
    workspaceid: str
    causationid: str | None = None
    traceparent: str | None = None
    version: Revision | None = None  # of a deleted key


@dataclass(frozen=True, slots=True)
class Topic(Generic[DataT]):
    """One row of the table that creates the topics and becomes Kafka ACLs."""

    name: str
    data: type[DataT]
    writers: frozenset[str]
    kept: timedelta | None = None  # None: compacted
    partitions: int = 48


@dataclass(frozen=True, slots=True)
class Event(Generic[DataT]):
    """A message as it was read. ``headers`` are those that CloudEvents does not know."""

    attributes: Attributes
    data: DataT | Deleted
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A message as Kafka carries it."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]  # a list: aiokafka refuses a tuple


def encode(
    topic: Topic[DataT],
    data: DataT | Deleted,
    *,
    event_id: str,
    source: str,
    time: datetime,
    cause: Attributes | None = None,
) -> Record:
    """Write what ``decode`` reads.

    Raises:
        ContractError: the value is larger than ``MAX_BYTES``.
    """
    attributes = Attributes(
        id=event_id,
        source=source,
        type=f"crmlink.{topic.name}",
        subject=data.key,
        time=time,
        dataschema=f"urn:crmlink:schema:{topic.name}",
        workspaceid=data.key.partition("/")[0],
        causationid=cause.id if cause else None,
        traceparent=cause.traceparent if cause else None,
        version=data.version if isinstance(data, Deleted) else None,
    )
    fields = attributes.model_dump(mode="json", exclude_none=True)
    headers = [(f"ce_{name}", str(value).encode()) for name, value in fields.items()]
    value = None if isinstance(data, Deleted) else data.model_dump_json().encode()
    if value is not None and len(value) > MAX_BYTES:
        raise ContractError("too large")
    return Record(
        topic.name,
        data.key.encode(),
        value,
        [("content-type", b"application/json"), *headers],
    )


def decode(
    topic: Topic[DataT],
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]],
) -> Event[DataT]:
    """Raise ContractError, and nothing else, whatever the bytes are."""
    try:
        told = dict(headers)
        found = {name[3:]: raw for name, raw in told.items() if name.startswith("ce_")}
        attributes = Attributes.model_validate(found)
        data: DataT | Deleted
        if value is not None:
            data = topic.data.model_validate_json(value)
        elif topic.kept is None and attributes.version is not None:
            data = Deleted(attributes.subject, attributes.version)
        else:
            raise ContractError("null without a deletion's version")
    except ValidationError as exc:
        raise ContractError(str(exc)) from None
    workspace = data.key.partition("/")[0]
    subject = attributes.subject.encode()
    if key != data.key.encode() or (subject, attributes.workspaceid) != (key, workspace):
        raise ContractError("key, headers and data differ")
    others = {
        name: raw for name, raw in told.items() if raw is not None and not name.startswith("ce_")
    }
    return Event(attributes, data, others)
