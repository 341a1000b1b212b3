"""Hostile login and instance URLs: none is stored, called, or shown a secret."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_common.salesforce.hosts import CURE, SALESFORCE, HostRefusedError, Hosts
from crmlink_common.salesforce.opening import VerifiedTransport, open_client
from crmlink_common.salesforce.pool import Origins
from crmlink_oauth.clients.salesforce import SalesforceLogin
from crmlink_oauth.fakes.org import CLIENT_SECRET, INSTANCE, LOGIN, FakeOrg
from crmlink_oauth.fakes.store import FakeStore
from crmlink_oauth.fakes.world import World
from crmlink_oauth.service.ports import App, NotAnsweredError
from crmlink_oauth.service.signing_in import Callback, SigningIn

FEW = settings(max_examples=100, deadline=None)  # the machine may be busy
LOCAL = IPv4Address("127.0.0.1")
METADATA = IPv4Address("169.254.169.254")


def a_world() -> World:
    return World(FakeOrg(), FakeStore())


def spellings(address: IPv4Address) -> Iterator[str]:
    """Write an address in every notation that some resolver or parser takes."""
    whole = int(address)
    parts = [int(part) for part in str(address).split(".")]
    yield from (str(address), f"{address}.", str(whole), hex(whole), f"0{whole:o}", f"0X{whole:X}")
    yield ".".join(f"{part:#x}" for part in parts)
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"{part:03d}" for part in parts)
    yield f"{parts[0]}.{whole & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{whole & 0xFFFF}"
    yield f"0{parts[0]:o}.{whole & 0xFFFFFF:#x}"
    yield str(whole + 2**32)  # some wrap it round
    yield from (f"[::ffff:{address}]", f"[::{address}]", f"[64:ff9b::{address}]")
    yield f"[::ffff:{whole >> 16:x}:{whole & 0xFFFF:x}]"
    yield f"[2002:{whole >> 16:x}:{whole & 0xFFFF:x}::]"
    yield f"[0:0:0:0:0:ffff:{address}%25lo]"
    yield "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in str(address))
    yield "".join(chr(0x2460 + int(c) - 1) if c in "123456789" else c for c in str(address))
    yield str(address).replace(".", "\u3002")
    yield str(address).replace(".", "%2e")


LOOK_ALIKES = {
    "a": "\u0430\u0251\uff41\u00e0",
    "c": "\u0441\u03f2\uff43",
    "e": "\u0435\u212f\uff45",
    "f": "\uff46",
    "l": "\u04cf\u217c\uff4c\u0131",
    "m": "\u217f\uff4d",
    "o": "\u043e\u03bf\uff4f\u2134",
    "r": "\uff52\u0433",
    "s": "\u0455\u017f\uff53",
    ".": "\u3002\uff0e\uff61\u2024",
    "/": "\uff0f\u2044\u2215",
    ":": "\uff1a\u02d0",
}


@st.composite
def look_alikes(draw: st.DrawFn) -> str:
    """Replace one letter or more of a good address by what looks like it."""
    url = draw(st.sampled_from([LOGIN, INSTANCE, "https://test.salesforce.com"]))
    places = [n for n, letter in enumerate(url) if letter in LOOK_ALIKES]
    for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=4, unique=True)):
        url = url[:place] + draw(st.sampled_from(LOOK_ALIKES[url[place]])) + url[place + 1 :]
    return url


@st.composite
def dressed_up(draw: st.DrawFn) -> str:
    """Hang something on a good address that leads elsewhere for one parser or another."""
    url = draw(st.sampled_from([LOGIN, INSTANCE, "https://na1.salesforce.com"]))
    host = url.removeprefix("https://")
    evil = draw(st.sampled_from(["evil.example", "127.0.0.1", "[::1]", "169.254.169.254"]))
    return draw(
        st.sampled_from(
            [
                f"https://{host}@{evil}",
                f"https://{host}:x@{evil}",
                f"https://{evil}@{host}",
                f"https://a:b@{host}",
                f"https://@{host}",
                f"https://{host}\\@{evil}",
                f"https://{evil}\\.{host}",
                f"https://{host}#@{evil}",
                f"https://{host}?@{evil}",
                f"https://{host}/..//{evil}",
                f"https://{host};@{evil}",
                f"https://{host}%40{evil}",
                f"https://{host}%00.{evil}",
                f"https://{host}\x00.{evil}",
                f"https://{host}\r\nHost: {evil}",
                f"https://{host}\t.{evil}",
                f"https://{host} .{evil}",
                f"https://{host},{evil}",
                f"https://{host}.{evil}",
                f"https://{evil}/{host}",
                f"https://{evil}#{host}",
                f"https://{host}:80",
                f"https://{host}:0",
                f"https://{host}:99999",
                f"https://{host}:443:443",
                f"https://{host}:",
                f"https:/{host}",
                f"https:{host}",
                f"https:///{host}",
                f"//{host}",
                f"\\\\{host}",
                f"http://{host}",
                f"file://{host}/etc/passwd",
                f"gopher://{host}",
                f"https://{host}..",
                f"https://xn--{host}",
                f"https://{host.replace('.', '..')}",
                f"https://{host}\u202e",
                f"\u200b{url}",
                f"\ufeff{url}",
                f"{url}\u00ad",
                f"url:{url}",
                f"{url}{url}",
            ]
        )
    )


IPS = st.sampled_from([f"https://{one}" for ip in (LOCAL, METADATA) for one in spellings(ip)])


def harmless(url: str) -> bool:
    """Tell a good address, which may come about by chance."""
    return SALESFORCE.match(url.strip(" ").removesuffix("/").lower()) is not None


def shows(text: str, url: str) -> bool:
    """Look for an address; short ones, and pieces of our own words, are everywhere."""
    return len(url) >= 8 and url not in f"{CURE} {LOGIN} https://crm.example/" and url in text


ANYTHING = st.text(max_size=60).filter(lambda url: not harmless(url))
HOSTILE = st.one_of(look_alikes(), dressed_up(), IPS, ANYTHING)


@FEW
@given(HOSTILE)
async def test_no_hostile_login_url_is_stored_or_called(url: str) -> None:
    world = a_world()
    if not url.strip(" "):  # left out: the usual one
        return
    with pytest.raises(HostRefusedError) as told:
        await world.configure(login_url=url)
    assert (told.value.field, world.org.calls) == ("login_url", [])
    assert not shows(f"{told.value} {told.value.cure}", url)
    assert not world.store.connections.rows


@FEW
@given(HOSTILE)
async def test_no_hostile_instance_url_is_shown_the_token(url: str) -> None:
    world = a_world()
    world.org.instance_url = url
    finished = await world.connect()
    assert finished.code == "instance_url_refused"
    assert world.org.calls == ["authorization_code"]
    assert not shows(finished.overview.model_dump_json(), url)
    assert world.row().instance_url == ""


@FEW
@given(HOSTILE)
async def test_a_stored_address_that_is_no_longer_allowed_is_not_called(url: str) -> None:
    """As after a restore, or when the operator takes a host back."""
    world = a_world()
    app = App(login_url=url, client_id="c", client_secret=CLIENT_SECRET)
    with pytest.raises(NotAnsweredError) as told:
        await world.salesforce.refresh(app, "refresh")
    assert told.value.code == "instance_url_refused"
    assert world.org.calls == []


REDIRECTS = [
    "https://evil.example/services/oauth2/token",
    "http://169.254.169.254/latest/meta-data",
    "//evil.example",
    "/services/oauth2/token?again",
    f"{INSTANCE}/services/oauth2/token",
    f"{LOGIN}:443/",
    "javascript:alert(1)",
    "",
    "https://[::1",
    "x" * 70_000,
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", REDIRECTS, ids=range(len(REDIRECTS)))
async def test_a_redirect_of_the_login_host_leads_nowhere(status: int, location: str) -> None:
    went: list[tuple[str, str]] = []
    world = a_world()

    def answer(request: httpx.Request) -> httpx.Response:
        went.append((request.url.host, request.url.path))
        return httpx.Response(status, headers={"Location": location})

    origins = Origins(lambda origin: open_client(origin, httpx.MockTransport(answer)))
    login = SalesforceLogin(origins=origins)
    await world.configure()
    signing_in = SigningIn(setup=world.setup, salesforce=login)
    begun = await signing_in.begin("w1", actor="ada")
    came = world.org.allow(begun.authorize_url)
    finished = await signing_in.finish("w1", Callback(**came, browser_token=begun.browser_token))
    assert finished.code == "unexpected_answer"
    assert went == [("login.salesforce.com", "/services/oauth2/token")]
    assert location not in finished.overview.model_dump_json() or not location
    await origins.aclose()


class Sockets(httpx.AsyncBaseTransport):
    """Tells of a new connection as httpx does; what gets past the checks is counted."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        step = request.extensions["trace"]
        await step("connection.connect_tcp.started", {"host": request.url.host, "port": 443})
        self.sent.append(request)
        return httpx.Response(200, json={})


PRIVATE = st.one_of(
    st.ip_addresses(v=4, network="10.0.0.0/8"),
    st.ip_addresses(v=4, network="172.16.0.0/12"),
    st.ip_addresses(v=4, network="192.168.0.0/16"),
    st.ip_addresses(v=4, network="127.0.0.0/8"),
    st.ip_addresses(v=4, network="100.64.0.0/10"),
    st.ip_addresses(v=4, network="169.254.0.0/16"),
    st.ip_addresses(v=4, network="0.0.0.0/8"),
    st.ip_addresses(v=6, network="fc00::/7"),
    st.ip_addresses(v=6, network="fe80::/10"),
    st.ip_addresses(v=6, network="::ffff:10.0.0.0/104"),
    st.ip_addresses(v=6, network="64:ff9b::7f00:0/104"),
    st.ip_addresses(v=6, network="2002:a00::/24"),
).map(str)


@FEW
@given(st.lists(st.just("13.110.1.1") | PRIVATE, max_size=4), PRIVATE, st.integers(0, 4))
async def test_a_good_name_that_leads_inside_is_shown_no_code_and_no_secret(
    others: list[str], inside: str, place: int
) -> None:
    addresses = [*others[:place], inside, *others[place:]]
    sockets, world = Sockets(), a_world()

    async def resolve(_: str) -> list[str]:
        return addresses

    transport = VerifiedTransport(sockets, Hosts(resolve=resolve))
    login = SalesforceLogin(origins=Origins(partial(open_client, transport=transport)))
    await world.configure()
    signing_in = SigningIn(setup=world.setup, salesforce=login)
    begun = await signing_in.begin("w1", actor="ada")
    came = world.org.allow(begun.authorize_url)
    finished = await signing_in.finish("w1", Callback(**came, browser_token=begun.browser_token))
    assert (finished.code, sockets.sent) == ("address_refused", [])
    assert finished.overview.status == "awaiting_oauth"
