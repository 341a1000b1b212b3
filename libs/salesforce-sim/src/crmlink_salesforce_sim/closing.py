"""Lets an answer close its own connection, where the server shows which one it is."""

import asyncio
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from crmlink_salesforce_sim.spoilt import CLOSE


def closable(app: ASGIApp) -> ASGIApp:
    """Return the application, able to close a connection without or within an answer.

    ASGI has no word for it. uvicorn's `send` is a method of the object that holds the transport.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if isinstance(transport, asyncio.Transport):
            scope[CLOSE] = partial(_close, transport)
        await app(scope, receive, send)

    return serve


def _close(transport: asyncio.Transport, *, at_once: bool) -> None:
    """Close now, or when what was written has gone out."""
    if at_once:
        transport.abort()
    else:
        transport.close()
