"""Reading what an org sends in place of an answer: JSON, XML, OAuth's errors, rows of Bulk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.error_codes import BY_CODE
from crmlink_common.salesforce.ids import is_id, to_18

CODE = re.compile(r"[A-Z][A-Z0-9_]{1,99}", re.ASCII)
FIELD = re.compile(r"[A-Za-z][\w.]{0,254}", re.ASCII)
STALE_TEXTS = frozenset({b"Bad_OAuth_Token", b"Missing_OAuth_Token"})  # userinfo's 403
KEYS_OF_CODE = ("errorCode", "statusCode", "exceptionCode")
_XML_CODE = re.compile(
    r"<(?:\w+:)?(?:errorCode|statusCode|exceptionCode|faultcode)>\s*(?:\w+:)?([A-Za-z0-9_]{2,100})\s*<"
)
_XML_FIELD = re.compile(r"<fields>\s*([\w.]{1,255})\s*</fields>")
_XML_MESSAGE = re.compile(r"<(?:\w+:)?(?:message|exceptionMessage|faultstring)>([^<]{0,1000})<")


def read_refusal(content: bytes) -> object:
    """Read the body of a refused call into what ``failure`` takes; None when it tells nothing."""
    text = content.strip()
    if text in STALE_TEXTS:
        return [{"errorCode": "INVALID_SESSION_ID"}]
    if text.startswith(b"<"):
        return _of_xml(text.decode("utf-8", "replace"))
    try:
        told: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told


def _of_xml(text: str) -> object:
    """By expressions, not a parser: three texts are wanted of what a stranger may have sent."""
    code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
    if code is None:
        return None  # a page of HTML
    found = {"errorCode": code[1], "fields": _XML_FIELD.findall(text)}
    return [{**found, "message": message[1] if message else ""}]


def read_row(text: str) -> dict[str, Any]:
    """Read a row's sf__Error of Bulk: ``CODE:message:Field1 Field2 --``."""
    code, _, rest = text.partition(":")
    message, _, names = rest.rpartition(":")
    if not names.rstrip().endswith("--"):
        names = ""  # a message with a colon, which may quote data
    fields = re.split(r"[\s,]+", names.strip().removesuffix("--").strip())
    return {"statusCode": code.strip(), "message": message, "fields": [n for n in fields if n]}


def read_job(text: str) -> dict[str, Any]:
    """Read a job's errorMessage: ``InvalidBatch : Field name not found : X``."""
    code, _, message = text.partition(":")
    return {"errorCode": code.strip(), "message": message.strip()}


def first_of(details: object) -> Mapping[str, Any]:
    """Return the first error of a list, or the one that stands alone."""
    first = details[0] if isinstance(details, list) and details else details
    return first if isinstance(first, dict) else {}


def code_of(told: Mapping[str, Any]) -> str | None:
    """Return the code, of OAuth's errors in capitals; None when there is none of that form."""
    codes = [told.get(key) for key in KEYS_OF_CODE]
    if isinstance(error := told.get("error"), str):
        codes.append(error.upper())
    texts = [code for code in codes if isinstance(code, str)]
    found = texts[0] if texts else ""
    return found if CODE.fullmatch(found) or found in BY_CODE else None


def names_of(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield API names alone: whatever else stands there could be data."""
    fields = told.get("fields")
    for name in fields if isinstance(fields, list) else ():
        if isinstance(name, str) and FIELD.fullmatch(name):
            yield name


def further_names_of(details: object) -> Iterator[str]:
    """Yield the fields that errors after the first name."""
    for told in details[1:] if isinstance(details, list) else ():
        if isinstance(told, dict):
            yield from names_of(told)


def duplicates_of(details: object) -> tuple[str, ...]:
    """Return the ids of records in the way: of a duplicate rule, or all that an external id has.

    Older API versions misspell the key of the first; the second is a list of their addresses.
    """
    if isinstance(details, list) and all(isinstance(one, str) for one in details):
        last = (url.partition("?")[0].rpartition("/")[2] for url in details)
        return tuple(dict.fromkeys(to_18(name) for name in last if is_id(name)))
    told = first_of(details)
    result = told.get("duplicateResult") or told.get("duplicateResut") or {}
    try:
        matches = [m for one in result["matchResults"] for m in one["matchRecords"]]
        ids = [match["record"]["Id"] for match in matches]
        return tuple(dict.fromkeys(to_18(record_id) for record_id in ids))
    except (LookupError, TypeError, InvalidInputError):
        return ()  # the conflict is told all the same
