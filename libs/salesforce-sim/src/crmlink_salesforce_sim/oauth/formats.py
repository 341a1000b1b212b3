"""Token answers as JSON, XML or a form, as the caller asks."""

from urllib.parse import urlencode
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crmlink_salesforce_sim.oauth.errors import OAuthError

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
XML, FORM = "application/xml", "application/x-www-form-urlencoded"
_BY_NAME = {"xml": XML, "urlencoded": FORM, "json": "application/json"}


def formatted(
    request: Request, format_name: str | None, body: dict[str, str], status: int = 200
) -> Response:
    """Return the answer in the format of `format`, or of the Accept header."""
    wanted = _wanted(request, format_name)
    if wanted == FORM:
        return Response(urlencode(body), status, NO_STORE, media_type=FORM)
    if wanted == XML:
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in body.items())
        document = f'<?xml version="1.0" encoding="UTF-8"?><OAuth>{inner}</OAuth>'
        return Response(document, status, NO_STORE, media_type=XML)
    return JSONResponse(body, status, NO_STORE)


def _wanted(request: Request, format_name: str | None) -> str:
    if format_name:
        if format_name not in _BY_NAME:
            raise OAuthError("invalid_request", "format has to be json, xml or urlencoded")
        return _BY_NAME[format_name]
    accepted = request.headers.get("accept", "")
    for one in accepted.split(","):
        media = one.partition(";")[0].strip().lower()
        if media in _BY_NAME.values():
            return media
    return _BY_NAME["json"]
