"""The Date header, by the org's clock, on whatever has none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Dated:
    """Middleware that tells the org's time; a client reads its clock's offset from it."""

    app: ASGIApp
    now: Callable[[], datetime]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with a Date on the answer."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ())]
                if not any(name.lower() == b"date" for name, _ in headers):
                    date = format_datetime(self.now(), usegmt=True)
                    message = {**message, "headers": [*headers, (b"date", date.encode())]}
            await send(message)

        await self.app(scope, receive, dated)
