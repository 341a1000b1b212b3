"""What goes wrong, and what is sent to make it go wrong."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from crmlink_devstack.walk.login import log_in

from .looking import asked, code_of
from .orgs import Workspace, World

CALLBACKS = [
    b"state=s&code=c",
    b"state=%00&code=%0d%0aSet-Cookie:%20crmlink_session=evil",
    b"state=%ff%fe&code=%c3",
    b"state=a&state=b&code=c&code=d",
    b"code=" + b"c" * 50_000,
    b"&".join(b"x%d=y" % n for n in range(3_000)),
    b"error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%3Cscript%3E",
    b"state=s&redirect_uri=https://evil.example&code=c",
    b"%",
]


async def raw(url: httpx.URL, target: bytes, *more: bytes) -> bytes:
    """Send what no client would, and read the answer whole."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = [b"GET " + target + b" HTTP/1.1", b"Host: x", b"Connection: close", *more, b"", b""]
    writer.write(b"\r\n".join(head))
    await writer.drain()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


WRONG_SECRET = "wR0ng/Secret+of=an.App-that_is~none"
CARELESS = {  # what people and clients send where it does not belong
    "a secret of a wrong type": {"client_id": "x", "client_secret": [WRONG_SECRET]},
    "a secret under another name": {"client_id": "x", "secret": WRONG_SECRET},
    "a secret in the address": {
        "client_id": "x",
        "client_secret": WRONG_SECRET,
        "login_url": f"https://{WRONG_SECRET}@login.salesforce.com",
    },
    "a secret that is too long": {"client_id": "x", "client_secret": WRONG_SECRET * 40},
}
SPOILT: list[dict[str, Any]] = [
    {"fault": "html", "status": 502},
    {"fault": "drop"},
]


async def stir(world: World) -> None:
    """Let go wrong what can, wherever a secret is in somebody's hand."""
    first = world.first
    await world.sim("PUT", "app", rotate=True)
    for _ in range(2):
        await world.sim("POST", "revoke", tokens="access")
        assert code_of(await asked(first)) == ""
    await world.sim("DELETE", "app")
    for spoilt in SPOILT:
        await world.sim("POST", "answers", **spoilt, kind="oauth/token", count=1)
        await world.sim("POST", "revoke", tokens="access")
        await asked(first)
    person = world.second.person
    for body in CARELESS.values():
        answer = await world.http.put(person.surfaces.api, json=body, headers=key_of(world.second))
        assert answer.status_code == 422
    callback = f"{person.surfaces.api}/oauth/callback"
    for query in (f"state={WRONG_SECRET}&code={WRONG_SECRET}", f"error={WRONG_SECRET}&state=s"):
        answer = await world.http.get(f"{callback}?{query}")
        assert answer.status_code == 400
    wrong = {"client_id": world.org().client_id, "client_secret": WRONG_SECRET}
    await person.ask("PUT", "", json={**wrong, "login_url": world.org().url})
    begun = await person.ask("POST", "/authorize", json={})
    async with httpx.AsyncClient(timeout=30, trust_env=False) as browser:
        back = await log_in(browser, begun["url"], person.surfaces, callback)
        page = await browser.get(back)
        again = await browser.get(back)
    world.answers += [page.content, again.content]
    assert "does not accept the Client ID and Client Secret" in page.text
    poison = json.dumps({"workspace_id": "w", "email": "zoe@poison.example", "version": "x"})
    async with AIOKafkaProducer(bootstrap_servers=person.surfaces.kafka) as producer:
        await producer.send_and_wait("members.v1", poison.encode(), key=b"w/m")


def key_of(workspace: Workspace) -> dict[str, str]:
    return {"Authorization": f"Bearer {workspace.person.surfaces.api_key}"}
