"""Answers as they arrive on a bad day: not at all, cut short, or from a proxy in between."""

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from crmlink_salesforce_sim.faults import Spoil

CLOSE = "crmlink_salesforce_sim.close"
_TITLES = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Time-out"}
_PAGE = "<html>\n<head><title>{0} {1}</title></head>\n<body>\n<h1>{0} {1}</h1>\n</body>\n</html>\n"


class ConnectionDroppedError(Exception):
    """Stands for a closed connection where there is none: the app is called in process."""


class Dropped(Response):
    """Closes the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close, and wait until the server knows."""
        del send  # nothing is sent
        if (close := scope.get(CLOSE)) is None:
            raise ConnectionDroppedError
        close(at_once=True)
        await _until_gone(receive)


class CutShort(Response):
    """Promises the whole body, sends half of it, and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half."""
        headers = [*self.raw_headers]
        if not any(name == b"content-encoding" for name, _ in headers):
            headers.append((b"content-encoding", b"identity"))  # or it would be packed anew
        body = bytes(self.body)
        start = {"type": "http.response.start", "status": self.status_code, "headers": headers}
        await send(start)
        half = {"type": "http.response.body", "body": body[: len(body) // 2]}
        close = scope.get(CLOSE)
        await send({**half, "more_body": close is not None})
        if close is not None:
            close(at_once=False)
            await _until_gone(receive)


def spoilt(spoil: Spoil, response: Response | None) -> Response:
    """Return what the caller gets in place of a response; None where nothing was done."""
    if spoil.fault == "drop":
        return Dropped()
    if spoil.fault == "redirect":
        return RedirectResponse(spoil.location, 302)
    if spoil.fault == "html" or response is None:
        title = _TITLES.get(spoil.status, "Error")
        return HTMLResponse(_PAGE.format(spoil.status, title), spoil.status)
    if spoil.fault == "truncate":
        return _cut(response)
    if spoil.fault == "content_type":
        response.headers["content-type"] = spoil.content_type
    return response


def _cut(response: Response) -> Response:
    if not response.body:  # the head alone is a whole answer: what is cut is the head
        return Dropped()
    return CutShort(response.body, response.status_code, response.headers)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
