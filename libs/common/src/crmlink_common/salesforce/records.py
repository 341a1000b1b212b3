"""What a query answers, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.errors import lost
from crmlink_common.salesforce.ids import to_18

Record = dict[str, Any]
MALFORMED = (
    AttributeError,
    LookupError,
    OverflowError,  # int() of 1e999, a time beyond the calendar
    TypeError,
    ValueError,
    RecursionError,  # lists in lists in lists ...
    InvalidInputError,
)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One page, or all of it when ``done``."""

    records: list[Record]
    total_size: int
    done: bool
    next_path: str | None = None


def read_page(told: Any) -> QueryResult:  # noqa: ANN401 - any JSON value
    """Read the JSON of a query's page."""
    try:
        following = told.get("nextRecordsUrl")
        return QueryResult(
            records=[plain_record(record) for record in told["records"]],
            total_size=int(told["totalSize"]),
            done=bool(told["done"]),
            next_path=own_path(following) if following else None,
        )
    except MALFORMED:
        raise lost("MALFORMED_ANSWER", repeatable=True) from None


def read_retrieved(told: Any) -> dict[str, Record]:  # noqa: ANN401 - any JSON value
    """Read the records found among those asked for by id; the others are null."""
    try:
        return {to_18(one["Id"]): plain_record(one) for one in told if one is not None}
    except MALFORMED:
        raise lost("MALFORMED_ANSWER", repeatable=True) from None


def plain_record(record: Mapping[str, Any]) -> Record:
    """Leave out ``attributes``, at every depth, and half characters, which have no UTF-8."""
    return {name: _plain(value) for name, value in record.items() if name != "attributes"}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return plain_record(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def own_path(url: str) -> str:
    """Reduce an address that the org names to a path of its API: the host is never followed."""
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    if not path.startswith("/services/") or "/../" in path or "\\" in path:
        raise InvalidInputError("not a path of Salesforce's API")
    return path


def json_of(response: httpx.Response, *, repeatable: bool = True) -> Any:  # noqa: ANN401 - any JSON value
    """Read a body that must be JSON; a page of HTML may come with status 200."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise lost("MALFORMED_ANSWER", repeatable=repeatable) from None


def object_of(response: httpx.Response) -> Record:
    """Read a body that must be a JSON object."""
    told = json_of(response)
    if not isinstance(told, dict):
        raise lost("MALFORMED_ANSWER", repeatable=True)
    return told
