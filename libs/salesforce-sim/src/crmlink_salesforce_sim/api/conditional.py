"""Conditional requests: what a row's state says to the headers of a call.

Facts §2: entity tags exist for Account rows alone; dates for rows and describe documents. A date
that is none is ignored by a read and refused by a change; deleting takes no conditions.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.times import read_datetime

TAGGED = ("Account",)
_TAGS = re.compile(r'\s*(?:\*|(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*)\s*\Z')
Headers = Mapping[str, str]


def tag_of(record: Row) -> str:
    """Return the entity tag of a whole record."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).digest()
    return f'"{base64.b64encode(digest[:20]).decode()}"'


def packed_tag(tag: str, headers: Headers, mark: str = "-gzip") -> str:
    """Return the tag as it is answered to a caller that takes packed answers."""
    packed = "gzip" in headers.get("accept-encoding", "")
    return f'{tag[:-1]}{mark}"' if packed else tag


def changed_at(record: Row) -> datetime | None:
    """Return when a record was last changed."""
    return read_datetime(str(record.get("LastModifiedDate")))


def http_date(moment: datetime) -> str:
    """Return a moment as headers have it."""
    return format_datetime(moment, usegmt=True)


def unchanged(headers: Headers, tag: str | None, changed: datetime | None) -> bool:
    """Tell whether a read is answered 304."""
    wanted = headers.get("if-none-match")
    if wanted is not None and tag is not None:
        return _matches(wanted, tag)
    since = _date(headers.get("if-modified-since"))
    return since is not None and changed is not None and changed <= since


def check_change(headers: Headers, tag: str | None, changed: datetime | None) -> None:
    """Raise 412 when a change's condition does not hold, 400 when it cannot be read."""
    unmodified = _required_date(headers, "if-unmodified-since")
    modified = _date(headers.get("if-modified-since"))
    wanted, unwanted = _required_tags(headers, "if-match"), _required_tags(headers, "if-none-match")
    if tag is not None:
        if wanted is not None and not _matches(wanted, tag):
            raise _failed()
        if unwanted is not None and _matches(unwanted, tag):
            raise _failed()
    if changed is not None:
        if unmodified is not None and changed > unmodified:
            raise _failed()
        if modified is not None and changed <= modified:
            raise _failed()


def check_read(headers: Headers, tag: str | None, changed: datetime | None) -> None:
    """Raise 412 when a read asks for a state that is gone."""
    wanted = headers.get("if-match")
    if wanted is not None and tag is not None and not _matches(wanted, tag):
        raise _failed()
    unmodified = _date(headers.get("if-unmodified-since"))
    if unmodified is not None and changed is not None and changed > unmodified:
        raise _failed()


def conditions(headers: Headers) -> bool:
    """Tell whether a call has a condition at all."""
    names = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
    return any(name in headers for name in names)


def _failed() -> ApiError:
    return ApiError("PRECONDITION_FAILED", "A condition of the request does not hold", 412)


def _matches(header: str, tag: str) -> bool:
    bare = _bare(tag)
    return any(_bare(one) in ("*", bare) for one in header.split(","))


def _bare(tag: str) -> str:
    text = tag.strip().removeprefix("W/").strip('"')
    return text.removesuffix("--gzip").removesuffix("-gzip")


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _required_tags(headers: Headers, name: str) -> str | None:
    text = headers.get(name)
    if text is not None and not _TAGS.match(text):
        raise _invalid(name, text)
    return text


def _invalid(name: str, text: str) -> ApiError:
    return ApiError("INVALID_HEADER_VALUE", f"Invalid value for header {name}: {text}")


def _required_date(headers: Headers, name: str) -> datetime | None:
    text = headers.get(name)
    found = _date(text)
    if text is not None and found is None:
        raise _invalid(name, text)
    return found
