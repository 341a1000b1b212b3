"""A browser: one of yours, one that is installed, or the pinned one that the script fetches."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

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
