from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlink_common.salesforce.hosts import (
    SALESFORCE,
    AddressRefusedError,
    HostRefusedError,
    Hosts,
    allowed_origins,
    checked_origin,
    is_public,
    resolved,
)
from crmlink_common.salesforce.opening import VerifiedTransport, open_client

LOCAL = "http://127.0.0.1:5555"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://login.salesforce.com/", "https://login.salesforce.com"),
        (" https://TEST.salesforce.com ", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", None),
        ("https://acme-dev-ed.develop.my.salesforce.com", None),
        ("https://acme-dev-ed.scratch.my.salesforce.com", None),
        ("https://na1.salesforce.com", None),
        ("https://um6.salesforce.com", None),
        ("https://usa9006s.salesforce.com", None),
        ("https://acme.trailblaze.my.salesforce.com", None),
        ("https://acme.my.salesforce.mil", None),
        ("https://acme.my.sfcrmproducts.cn", None),
        (LOCAL, LOCAL),
        (LOCAL + "/", LOCAL),
    ],
)
def test_salesforce_and_what_was_set_is_allowed(url: str, origin: str | None) -> None:
    assert checked_origin(url, {LOCAL}, field="login_url") == (origin or url)


HOSTILE = [
    "",
    "login.salesforce.com",
    "http://login.salesforce.com",
    "ftp://login.salesforce.com",
    "javascript://login.salesforce.com",
    "https://",
    "https://salesforce.com",
    "https://my.salesforce.com",
    "https://evil.example",
    "https://login.salesforce.com.evil.example",
    "https://evillogin.salesforce.com",
    "https://evil-my.salesforce.com",
    "https://acme.my.salesforce.com.evil.example",
    "https://user@login.salesforce.com",
    "https://user:pass@login.salesforce.com",
    "https://login.salesforce.com@evil.example",
    "https://login.salesforce.com:443",
    "https://login.salesforce.com:8443",
    "https://login.salesforce.com/path",
    "https://login.salesforce.com//",
    "https://login.salesforce.com?x",
    "https://login.salesforce.com#x",
    "https://login.salesforce.com\\@evil.example",
    "https://login.salesforce.com%2eevil.example",
    "https://login.salesforce.com\n",
    "https://login.salesforce.com\x00",
    "https://login.salesforce.com\t.evil.example",
    "https://login.salesforce.com.",
    "https://127.0.0.1",
    "https://[::1]",
    "https://2130706433",
    "https://0x7f000001",
    "https://169.254.169.254",
    "https://017700000001",
    "https://0177.0.0.1",
    "https://127.1",
    "https://[::ffff:127.0.0.1]",
    "https://[fd00::1].my.salesforce.com",
    "https://acme.my.salesforce.com..",
    "https://acme.my.salesforce.com:0443",
    "https://login.ѕalesforce.com",  # noqa: RUF001 - a look-alike
    "https://login。salesforce。com",
    "https://login.\u017falesforce.com",  # lower() and casefold() differ on it
    "https://xn--lesforce-t4e.my.salesforce.com.evil.example",
    "https://xn--a.my.salesforce.com",
    "https://acme.XN--0.my.salesforce.com",
    "https://-a.my.salesforce.com",
    "https://a..my.salesforce.com",
    "https://a.b.c.d.e.my.salesforce.com",
    "http://127.0.0.1:5556",
    "http://127.0.0.1:5555@evil.example",
    "https://127.0.0.1:5555",
    "https://a" + "a" * 300 + ".my.salesforce.com",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(HostRefusedError) as told:
        checked_origin(url, {LOCAL}, field="login_url")
    assert told.value.field == "login_url"
    assert told.value.cure


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
def test_nothing_gets_in_beside_an_allowed_host(before: str, within: str, after: str) -> None:
    url = f"{before}https://login.{within}salesforce.com{after}"
    try:
        origin = checked_origin(url, (), field="login_url")
    except HostRefusedError:
        return
    assert SALESFORCE.match(origin)
    assert origin == url.strip(" ").removesuffix("/").lower()


@given(st.from_regex(SALESFORCE, fullmatch=True))
def test_what_the_grammar_takes_has_no_user_port_or_path(url: str) -> None:
    host = url.removeprefix("https://")
    assert not set(host) & set("@:/?#%\\ ")
    assert host.endswith(
        (".salesforce.com", ".salesforce.mil", ".salesforce-setup.com", ".sfcrmproducts.cn")
    )


@pytest.mark.parametrize("setting", ["{}", "[1]", '["http://127.0.0.1/x"]', '["evil"]', "nothing"])
def test_a_setting_that_is_no_list_of_origins_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="JSON list of origins"):
        allowed_origins(setting)


def test_a_setting_names_exact_origins() -> None:
    assert allowed_origins(f'["{LOCAL}"]') == {LOCAL}


PRIVATE = [
    "",
    "localhost",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::7f00:1",
    "2002:7f00:1::",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_of_the_internet_are_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["13.110.1.1", "::ffff:13.110.1.1", "64:ff9b::13.110.1.1", "2600:1901::1"]
)
def test_addresses_of_the_internet_are_told(address: str) -> None:
    assert is_public(address)


class Connecting(httpx.AsyncBaseTransport):
    """Connects as httpx tells of it, to a peer that the test chooses."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.sent: list[httpx.Request] = []
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        step = request.extensions["trace"]
        host = request.url.host
        await step("connection.connect_tcp.started", {"host": host, "port": 443})
        await step("connection.connect_tcp.complete", {"return_value": self})
        self.sent.append(request)
        return httpx.Response(200, json={})

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "server_addr"
        return (self.peer, 443)

    async def aclose(self) -> None:
        self.closed = True


async def asked_of(peer: str, *addresses: str | Exception, seconds: float = 5) -> Connecting:
    async def resolve(_: str) -> list[str]:
        await asyncio.sleep(0)
        for one in addresses:
            if isinstance(one, Exception):
                raise one
        if not addresses:
            await asyncio.sleep(60)
        return [str(one) for one in addresses]

    inner = Connecting(peer)
    transport = VerifiedTransport(inner, Hosts(resolve=resolve, seconds=seconds))
    async with open_client("https://acme.my.salesforce.com", transport) as http:
        try:
            await http.get("/services/data")
        except AddressRefusedError:
            assert inner.sent == []
            assert inner.closed == ("10.0.0.1" not in addresses)
            raise
    return inner


async def test_a_host_at_public_addresses_is_called() -> None:
    assert (await asked_of("13.110.1.1", "13.110.1.1", "13.110.1.2")).sent


async def test_a_host_with_one_private_address_is_not_connected_to() -> None:
    with pytest.raises(AddressRefusedError):
        await asked_of("13.110.1.1", "13.110.1.1", "10.0.0.1")


async def test_a_name_that_came_to_mean_another_address_is_left_before_anything_is_sent() -> None:
    with pytest.raises(AddressRefusedError):
        await asked_of("127.0.0.1", "13.110.1.1")


@pytest.mark.parametrize("addresses", [[socket.gaierror("no such name")], []])
async def test_a_host_that_cannot_be_resolved_in_time_was_never_called(
    addresses: list[Exception],
) -> None:
    with pytest.raises(httpx.ConnectError):
        await asked_of("13.110.1.1", *addresses, seconds=0.01)


@pytest.mark.integration
async def test_over_sockets_a_local_peer_is_refused_unless_it_is_allowed() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async def resolve(_: str) -> list[str]:
        await asyncio.sleep(0)
        return ["13.110.1.1"]

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = "http://127.0.0.1:{1}".format(*listening.sockets[0].getsockname())
    async with listening, open_client(origin, hosts=Hosts(resolve=resolve)) as http:
        with pytest.raises(AddressRefusedError):
            await http.get("/services/data", headers={"authorization": "Bearer x"})
        assert b"Bearer" not in b"".join(heads)
        async with open_client(origin, hosts=Hosts(frozenset({origin}))) as allowed:
            assert (await allowed.get("/services/data")).json() == {}


@pytest.mark.parametrize("location", ["javascript:alert(1)", "https://[::1", "//evil.example", "/"])
async def test_where_a_redirect_leads_is_not_even_read(location: str) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(307, headers={"Location": location})

    async with open_client("https://acme.my.salesforce.com", httpx.MockTransport(answer)) as http:
        told = await http.get("/services/data")
    assert (told.status_code, len(asked)) == (307, 1)
    assert "location" not in told.headers


async def test_the_resolver_of_the_system_is_asked() -> None:
    assert set(await resolved("localhost")) <= {"127.0.0.1", "::1"}
