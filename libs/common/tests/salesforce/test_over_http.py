"""What a fake transport cannot show: sockets, compression, answers cut short."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crmlink_common.errors import TransientError, UnknownOutcomeError
from crmlink_common.salesforce.client import SalesforceOrgs
from crmlink_common.salesforce.fakes import FakeTokens, a_token
from crmlink_common.salesforce.hosts import Hosts

pytestmark = pytest.mark.integration


class Server:
    """Answers over HTTP/1.1, compressed; keeps what it was asked and over which connections."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.bodies: list[Any] = []
        self.peers: list[Any] = []
        self.cut_short = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                await self._answer(head, reader, writer)
                if self.cut_short:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        lines = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
        body = await reader.readexactly(int(lines.get("content-length", "0")))
        if lines.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.heads.append(head)
        self.bodies.append(json.loads(body) if body else None)
        self.peers.append(writer.get_extra_info("peername"))
        records = [{"id": f"{n}", "success": True} for n in range(200)]
        answer = gzip.compress(json.dumps(records).encode())
        told = "content-type: application/json\r\ncontent-encoding: gzip"
        start = f"HTTP/1.1 200 OK\r\n{told}\r\ncontent-length: {len(answer)}\r\n\r\n"
        writer.write(start.encode() + answer[: 20 if self.cut_short else None])
        await writer.drain()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    server.url = f"http://{host}:{port}"
    yield server
    listening.close()


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def orgs(server: Server) -> AsyncIterator[SalesforceOrgs]:
    tokens = FakeTokens([a_token(instance_url=server.url)])
    hosts = Hosts(frozenset({server.url}))
    async with SalesforceOrgs(tokens, client_name="tests", hosts=hosts, sleep=no_wait) as orgs:
        yield orgs


RECORDS = [{"LastName": f"Söhne {n}"} for n in range(200)]


async def test_bodies_are_compressed_both_ways_over_one_connection(
    server: Server, orgs: SalesforceOrgs
) -> None:
    org = await orgs.open("w1")
    for _ in range(3):
        outcomes = await org.create("Contact", RECORDS)
        assert [o.record_id for o in outcomes] == [str(n) for n in range(200)]
    assert server.bodies[0]["records"][199]["LastName"] == "Söhne 199"
    assert all("content-encoding: gzip" in head for head in server.heads)
    assert len(set(server.peers)) == 1


async def test_an_answer_cut_short_leaves_a_create_unknown(
    server: Server, orgs: SalesforceOrgs
) -> None:
    server.cut_short = True
    outcomes = await (await orgs.open("w1")).create("Contact", RECORDS)
    assert all(isinstance(o.error, UnknownOutcomeError) for o in outcomes)
    assert len(server.heads) == 1


async def test_a_read_cut_short_is_asked_again_and_then_given_up(
    server: Server, orgs: SalesforceOrgs
) -> None:
    server.cut_short = True
    with pytest.raises(TransientError):
        await (await orgs.open("w1")).limits()
    assert len(server.heads) == 4
