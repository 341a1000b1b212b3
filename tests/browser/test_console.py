"""A new user's way through the console, in a browser: from the key to members that are in step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from playwright.async_api import Error as PlaywrightError

from crmlink_common.members import read_members
from crmlink_common.members.publish import member_publisher
from crmlink_devstack.options import Options
from crmlink_devstack.sample_members import sample_members, write_rows
from crmlink_devstack.stack import Stack
from crmlink_devstack.walk.surfaces import Surfaces

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.asyncio(loop_scope="session"),
]
MEMBERS = 40
SOON = 30_000  # milliseconds
RUN = 120_000


@dataclass(slots=True)
class Console:
    """One signed-in page, and what it complained of."""

    page: Page
    surfaces: Surfaces
    complaints: list[str]

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=name, exact=True).click()

    async def click(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def surfaces(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Surfaces]:
    folder = tmp_path_factory.mktemp("console")
    file = folder / "members.csv"
    write_rows(file, list(sample_members(MEMBERS, seed=11)))
    async with Stack(Options(folder=folder / "run", port=0, members=file, durable=False)) as stack:
        found = replace(stack.surfaces(), members_file=Path(file))
        async with member_publisher(found.kafka) as publisher:
            await publisher.publish(read_members(file, found.workspace_id).members)
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def console(browser: Browser, surfaces: Surfaces) -> AsyncIterator[Console]:
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(SOON)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield Console(page, surfaces, complaints)
    await context.close()


async def sign_in(console: Console) -> None:
    await console.page.goto(console.surfaces.gateway_url)
    await console.page.get_by_label("API key").fill("crmlink_wrong")
    await console.click("Sign in")
    await expect(console.page.get_by_role("alert")).to_contain_text("unknown")
    await console.page.get_by_label("API key").fill(console.surfaces.api_key)
    await console.click("Sign in")
    await expect(console.page.locator("#status")).to_have_text("Not Connected")


async def configure(console: Console) -> None:
    await console.click("Configure Salesforce")
    dialog = console.page.get_by_role("dialog", name="Configure Salesforce")
    await dialog.get_by_label("Client ID").fill(console.surfaces.client_id)
    await dialog.get_by_label("Client Secret").fill(console.surfaces.client_secret)
    await dialog.get_by_label("Instance URL").fill(console.surfaces.org_url)
    await dialog.get_by_role("button", name="Create").click()
    await expect(console.page.locator("#status")).to_have_text("Awaiting OAuth")


async def connect(console: Console) -> None:
    """Sign in at the org in its window; this page learns of it by itself."""
    async with console.page.expect_popup() as opened:
        await console.click("Connect with Salesforce")
    window = await opened.value
    await window.get_by_label("Username").fill(console.surfaces.username)
    await window.get_by_label("Password").fill(console.surfaces.password)
    await window.get_by_role("button", name="Log In").click()
    async with window.expect_event("close"):
        await window.get_by_role("button", name="Allow").click()
    await expect(console.page.locator("#status")).to_have_text("Connected", timeout=SOON)
    await expect(console.page.locator("#instance-url")).to_have_text(console.surfaces.org_url)
    access = console.page.get_by_role("region", name="Access to Salesforce")
    await expect(access).to_contain_text("everything that is needed is there")


async def reconnect(console: Console) -> None:
    """Test connection, then Disconnect and connect again: what is linked stays linked."""
    await console.tab("Overview")
    access = console.page.get_by_role("region", name="Access to Salesforce")
    await console.click("Test connection")
    await expect(access.get_by_role("button")).to_have_text("Test connection")
    await expect(access.get_by_role("alert")).to_have_count(0)
    usage = console.page.get_by_role("region", name="API usage")
    await expect(usage).to_contain_text("requests of the last 24 hours used")
    await console.click("Disconnect")
    question = console.page.get_by_role("dialog", name="Disconnect from Salesforce?")
    await question.get_by_role("button", name="Disconnect").click()
    await expect(console.page.locator("#status")).to_have_text("Awaiting OAuth")
    async with console.page.expect_popup() as opened:
        await console.click("Connect with Salesforce")
    window = await opened.value
    with suppress(PlaywrightError):  # closed already: the org knows this browser and its consent
        await window.get_by_role("button", name="Allow").click()
    await expect(console.page.locator("#status")).to_have_text("Connected", timeout=SOON)


async def link_all(console: Console) -> int:
    await console.tab("Members")
    await expect(console.page.locator("#member-counts")).to_contain_text(f"{MEMBERS} members")
    await console.click("Find Matching Records")
    await console.click("Find Matching Salesforce Records")
    progress = console.page.locator("#find-progress")
    await expect(progress).to_contain_text(f"Completed, {MEMBERS} of {MEMBERS}", timeout=RUN)
    card = console.page.locator("#matches .match").first
    await expect(card).to_contain_text("Workspace member")
    await expect(card).to_contain_text("Salesforce record")
    await console.click("Link All")
    await expect(progress).to_contain_text("linked.")
    await expect(console.page.locator("#matches .match")).to_have_count(0)
    told = await progress.inner_text()
    await console.click("Close")
    return int(told.split()[0])


async def run_sync(console: Console) -> None:
    await console.tab("Sync")
    await console.page.get_by_role("switch", name="Outbound sync").check()
    await console.page.get_by_label("Outbound filter").fill("source.email !== ''")
    await console.click("Save")
    trouble = console.page.locator("#sync-trouble")
    await expect(trouble).to_contain_text("Outbound filter, line 1, column 16")
    await console.page.get_by_label("Outbound filter").fill("source.email != ''")
    await console.click("Save")
    await expect(console.page.locator("#sync-saved")).to_have_text("Saved")
    await expect(trouble).to_be_hidden()
    await console.click("Run Sync")
    live = console.page.locator("#sync-runs-live")
    await expect(live).to_contain_text(f"{MEMBERS} of {MEMBERS} members", timeout=RUN)
    await expect(live.get_by_role("button")).to_have_count(0, timeout=RUN)
    await expect(console.page.locator("#runs tr")).to_have_count(1)


async def test_from_the_key_to_linked_and_synced_members(console: Console) -> None:
    await sign_in(console)
    await configure(console)
    await connect(console)
    linked = await link_all(console)
    assert 0 < linked < MEMBERS
    await expect(console.page.locator("#links tr")).to_have_count(linked)
    await run_sync(console)
    await console.tab("Members")
    rows = console.page.locator("#links tr")
    assert await rows.count() >= linked
    await expect(rows.first.get_by_role("button")).to_have_text("Unlink")
    before = await rows.count()
    await reconnect(console)
    await console.tab("Members")
    await expect(rows.nth(before - 1)).to_be_visible()
    assert console.complaints == []
