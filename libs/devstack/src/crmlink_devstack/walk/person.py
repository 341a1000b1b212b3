"""What a person does in the console, done through the same public API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.surfaces import Surfaces, WalkError

PATIENCE = 240.0  # seconds a run may take
DOWN_FOR = 60.0  # seconds a part may be away
DOWN = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
TERMINAL = {"completed", "completed_with_errors", "failed", "cancelled"}
Run = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """An admin of the workspace, with an API key. The caller closes ``http``."""

    surfaces: Surfaces
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        """Call the gateway; while a part is down, try again for a while, as a person would.

        Raises:
            WalkError: it answered with a problem document, which is quoted by code and title.
        """
        response = await self._answered(method, path, **more)
        if not response.is_success:
            raise WalkError(f"{method} {path or '/'}: {response.status_code} {_told(response)}")
        return response.json() if response.content else None

    async def start_run(self, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
        """Start a run, or join the one that is in progress already."""
        response = await self._answered("POST", path, **more)
        if response.status_code == httpx.codes.CONFLICT and "run_id" in response.json():
            return await self.ask("GET", f"{path}/{response.json()['run_id']}")
        if not response.is_success:
            raise WalkError(f"POST {path}: {response.status_code} {_told(response)}")
        return response.json()

    async def _answered(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.surfaces.api_key}"}
        loop = asyncio.get_running_loop()
        until = loop.time() + DOWN_FOR
        while True:
            try:
                response = await self.http.request(
                    method, f"{self.surfaces.api}{path}", headers=headers, **more
                )
                if response.status_code not in DOWN or loop.time() > until:
                    return response
            except httpx.TransportError:
                if loop.time() > until:
                    raise
            await asyncio.sleep(0.5)

    async def connect(self) -> dict[str, Any]:
        """Enter the credentials, log in at the org, come back; return the overview."""
        overview = await self.ask("GET", "")
        if overview["status"] == "connected":
            return dict(overview)
        credentials = {
            "client_id": self.surfaces.client_id,
            "client_secret": self.surfaces.client_secret,
            "login_url": self.surfaces.org_url,
        }
        await self.ask("PUT", "", json=credentials)
        begun = await self.ask("POST", "/authorize", json={})
        timeout = httpx.Timeout(30, connect=5)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as browser:
            back = await log_in(
                browser, begun["url"], self.surfaces, f"{self.surfaces.api}/oauth/callback"
            )
            page = await browser.get(back)
        if not page.is_success:
            shown = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())[:300]
            raise WalkError(f"the callback answered {page.status_code}: {shown}")
        return await self._connected()

    async def _connected(self) -> dict[str, Any]:
        for _ in range(50):
            overview = await self.ask("GET", "")
            if overview["status"] == "connected":
                return dict(overview)
            await asyncio.sleep(0.2)
        raise WalkError(f"the connection is {overview['status']}: {overview.get('error')}")

    async def everything(self, path: str, **query: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        """Read all pages of a list."""
        items: list[dict[str, Any]] = []
        page = 1
        while True:
            told = await self.ask("GET", path, params={**query, "page": page, "page_size": 200})
            items += told["items"]
            if len(items) >= told["total"] or not told["items"]:
                return items
            page += 1

    async def follow(self, path: str, seen: Callable[[Run], None]) -> Run:
        """Watch a run over SSE until it ends; a broken stream is taken up again."""
        last: Run = {}
        event_id = ""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async for told, run in self._events(path, event_id):
                        event_id, last = told, run
                        seen(run)
                except httpx.TransportError:
                    await asyncio.sleep(0.5)
                if last.get("status") in TERMINAL:
                    return last
                await asyncio.sleep(0.2)

    async def _events(self, path: str, since: str) -> AsyncIterator[tuple[str, Run]]:
        headers = {
            "Authorization": f"Bearer {self.surfaces.api_key}",
            "Accept": "text/event-stream",
        }
        if since:
            headers["Last-Event-ID"] = since
        url = f"{self.surfaces.api}{path}/events"
        async with self.http.stream("GET", url, headers=headers) as response:
            if not response.is_success:
                return
            event_id = since
            async for line in response.aiter_lines():
                if line.startswith("id:"):
                    event_id = line[3:].strip()
                elif line.startswith("data:"):
                    yield event_id, json.loads(line[5:])


def _told(response: httpx.Response) -> str:
    try:
        problem = response.json()
        return f"{problem.get('code')}: {problem.get('title')} {problem.get('cure') or ''}".strip()
    except (ValueError, AttributeError):
        return "without a problem document"
