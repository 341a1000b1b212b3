"""What can be seen of a workspace and of the orgs, step by step."""

from __future__ import annotations

from typing import Any

from crmlink_common.contracts.tools import ToolReply
from crmlink_devstack.walk.assistant import ask_tools
from crmlink_devstack.walk.waiting import until

from .orgs import Workspace, World

SOON = 90.0  # seconds; the machine may be busy
QUERY = ("salesforce_query", {"query": "SELECT Id FROM Contact LIMIT 1"})


async def asked(workspace: Workspace) -> ToolReply:
    [reply] = await ask_tools(workspace.person.surfaces, [QUERY])
    return reply


def code_of(reply: ToolReply) -> str:
    return "" if reply.error is None else reply.error.code


def a_contact(links: dict[str, tuple[str, str]], number: int = 0) -> tuple[str, str]:
    """Choose a member that is linked to a contact."""
    found = sorted(
        (member, record) for member, (kind, record) in links.items() if kind == "Contact"
    )
    return found[number]


async def phone_of(world: World, record_id: str, org: str = "salesforce") -> str | None:
    async with world.user(org) as user:
        records = await user.records("Contact", [record_id], ["Phone"])
    phone: str | None = records[record_id]["Phone"]
    return phone


async def written_phone(world: World, record_id: str, phone: str) -> None:
    async def there() -> bool:
        return await phone_of(world, record_id) == phone

    await until(f"{phone} in Salesforce", there, SOON)


async def asked_of_upstream(workspace: Workspace, member_id: str, phone: str) -> None:
    async def there() -> bool:
        return workspace.upstream.members[member_id].phone == phone

    await until(f"{phone} upstream", there, SOON)


async def written_by_us(world: World, org: str) -> dict[str, Any]:
    """Give what our services wrote and asked there, without oauth's own look."""
    counts = await world.sim("GET", "counts", org)
    mine = {name for name in {**counts["clients"], **counts["callers"]} if "crmlink" in name}
    return {
        name: [counts["clients"].get(name), counts["callers"].get(name)]
        for name in sorted(mine)
        if "oauth" not in name
    }
