"""What the org's front door checks of a request before anything reads it."""

import zlib
from collections.abc import Sequence

from starlette.requests import Request

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.faults import Asking

MOST_BODY = 50_000_000
MOST_UPLOAD = 150_000_000  # facts §7: 150 MB for each upload of a Bulk job
MOST_HEADERS = 16_384
METHOD_PARAMETER = "_HttpMethod"
JSON = "application/json"
_UPLOADS = ("text/csv", "multipart/form-data", "application/xml", "application/octet-stream")
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
_WRITES = ("POST", "PATCH", "PUT", "DELETE")
_READING = ("query", "queryAll", "search", "parameterizedSearch", "limits")


def check_size(request: Request) -> None:
    """Refuse an address, or address and headers, over 16,384 bytes (facts §2)."""
    target = len(request.scope["raw_path"]) + len(request.scope["query_string"])
    if target > MOST_HEADERS:
        raise ApiError("URI_TOO_LONG", "URI too long", 414)
    if target + sum(len(name) + len(value) for name, value in request.headers.raw) > MOST_HEADERS:
        raise ApiError("REQUEST_HEADER_FIELDS_TOO_LARGE", "Request header fields too large", 431)


def check_media(request: Request, kind: str) -> None:
    """Refuse a body that is not JSON, or CSV for a Bulk job; a body without a type is JSON."""
    given = request.headers.get("content-type", "")
    media = given.partition(";")[0].strip().lower()
    if request.method not in _WRITES or request.method == "DELETE" or media in ("", JSON):
        return
    if media in _UPLOADS and kind.startswith("jobs"):
        return
    if (
        media == "application/x-www-form-urlencoded"
        and request.headers.get("content-length") == "0"
    ):
        return
    message = f"Content type '{media}' is not supported"
    raise ApiError("UNSUPPORTED_MEDIA_TYPE", message, 415)


async def read_body(request: Request, kind: str) -> bytes:
    """Return the body as it was sent, never more than an org takes."""
    if request.method in ("GET", "HEAD"):
        return b""
    most = MOST_UPLOAD if kind.startswith("jobs") else MOST_BODY
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise too_large()
    return bytes(found)


def unpacked(body: bytes, encoding: str, kind: str) -> bytes:
    """Return the body as it was before it was packed; a bomb is let go before it opens."""
    name = encoding.strip().lower()
    if not body or name in ("", "identity"):
        return body
    if name not in _WINDOWS:
        message = f"Content encoding '{encoding}' is not supported"
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", message, 415)
    most = MOST_UPLOAD if kind.startswith("jobs") else MOST_BODY
    return _unpacked(body, _WINDOWS[name], most, name)


def _unpacked(body: bytes, windows: Sequence[int], most: int, name: str) -> bytes:
    for window in windows:
        unpacking = zlib.decompressobj(window)
        try:
            found = unpacking.decompress(body, most + 1)
        except zlib.error:
            continue
        if len(found) > most:
            raise too_large()
        if unpacking.eof:
            return found
    raise ApiError("JSON_PARSER_ERROR", f"the body is not {name}")


def too_large() -> ApiError:
    """Say that a body is larger than an org takes."""
    return ApiError("REQUEST_TOO_LARGE", "the request body is too large", 413)


def kind_of(path: Sequence[str]) -> str:
    """Return what kind of call a path is, for counts and filters."""
    depth = 2 if path[0] in ("composite", "jobs") else 1
    return "/".join(path[:depth]) or "resources"


def writes(asking: Asking, body: bytes) -> bool:
    """Tell whether a call may change records."""
    if asking.method not in _WRITES or asking.kind in (*_READING, "jobs/query"):
        return False
    if asking.kind == "composite/sobjects":  # a POST under an object's name reads
        return not (asking.method == "POST" and asking.path.count("/") > 1)
    if asking.kind in ("composite", "composite/batch", "composite/graph"):
        return any(one in body for one in (b'"POST"', b'"PATCH"', b'"PUT"', b'"DELETE"'))
    return True
