"""A browser (yours, an installed one, or the pinned one that the script fetches), and a page."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from crmlink_gateway.domain.access import Scope
from crmlink_gateway.fakes import API, WORKSPACE, FakeGateway, a_gateway, overview, usage

SCRIPT = Path(__file__).parents[2] / "scripts" / "browser.sh"
INSTALLED = ("chromium", "google-chrome", "chromium-browser")
QUIET = (  # it opens our pages and nothing else
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


async def browser_path() -> str:
    named = os.environ.get("CRMLINK_TEST_BROWSER")
    if named:
        return named
    for name in INSTALLED:
        if found := shutil.which(name):
            return found
    script = await asyncio.create_subprocess_exec("bash", str(SCRIPT), stdout=PIPE, stderr=PIPE)
    told, trouble = await script.communicate()
    if script.returncode:
        pytest.fail(trouble.decode().strip() or f"{SCRIPT} failed.", pytrace=False)
    return told.decode().strip()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = await browser_path()
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        await opened.close()


@dataclass(slots=True, kw_only=True)
class Front:
    """The real gateway and its console before services that say what a test wants."""

    gateway: FakeGateway
    url: str
    page: Page
    complaints: list[str] = field(default_factory=list)

    def told(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Give what oauth tells of the connection after these changes."""
        callback = f"{self.url}{API}/oauth/callback"
        return overview(callback_url=callback, epoch=1, **changes)

    def answer(self, method: str, path: str, told: object, status: int = 200) -> None:
        self.gateway.services.on("oauth", method, path, (status, told))

    def stands(self, **changes: Any) -> None:  # noqa: ANN401 - JSON
        """Let the connection stand so from now on."""
        self.answer("GET", "/connection", self.told(**changes))

    def tell(self, revision: int) -> None:
        """Let the bus bring news of the connection."""
        self.gateway.store.seen[WORKSPACE] = {"revision": revision}

    def uses(self, **changes: Any) -> None:  # noqa: ANN401 - JSON
        self.answer("GET", "/usage", usage(**changes))

    def asked(self, method: str, path: str) -> list[Any]:
        """Give the bodies of such requests to oauth so far."""
        return [
            body
            for part, verb, where, body in self.gateway.services.asked
            if (part, verb, where) == ("oauth", method, path)
        ]

    async def show(self) -> None:
        """Open the page, or load it again, and wait until it knows how things stand."""
        await self.page.goto(f"{self.url}/w/{WORKSPACE}/channels/salesforce")
        await expect(self.page.locator("#status")).not_to_have_text("…")

    async def click(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def signed_in(browser: Browser) -> AsyncIterator[tuple[FakeGateway, str, BrowserContext]]:
    """Sign an administrator in; nothing but the gateway is started."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        gateway = a_gateway(public_url=url)
        settings = uvicorn.Config(gateway.app, log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(settings)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        context = await browser.new_context()
        context.set_default_timeout(10_000)
        await context.request.post(f"{url}/sign-in", form={"key": gateway.key(Scope.ADMIN)})
        yield gateway, url, context
        await context.close()
        server.should_exit = server.force_exit = True
        await serving


@pytest_asyncio.fixture(loop_scope="session")
async def front(
    signed_in: tuple[FakeGateway, str, BrowserContext],
) -> AsyncIterator[Front]:
    """Open a page of its own; the services have forgotten what earlier tests let them say."""
    gateway, url, context = signed_in
    gateway.services.answers.clear()
    gateway.services.asked.clear()
    gateway.store.seen.clear()
    page = await context.new_page()
    await page.set_viewport_size({"width": 1280, "height": 860})
    opened = Front(gateway=gateway, url=url, page=page)
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.stands()
    opened.uses()
    yield opened
    await page.close()
    assert opened.complaints == []
