"""Where a token may be shown: Salesforce's own host names, at addresses of the public internet."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from crmlink_common.errors import InvalidInputError, NotConnectedError

# no label of another alphabet in disguise: Salesforce has none, and parsers stumble over bad ones
_LABEL = r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A grammar, not a parser: what is not spelled exactly so (user, port, path, escapes, other
# alphabets, control characters, addresses of any notation) has no way in.
SALESFORCE = re.compile(
    rf"""https://(?:
        (?:login|test)\.salesforce\.com
      | [a-z]{{2,4}}[0-9]{{1,4}}s?\.salesforce\.com         # instances: na1, cs42, um6
      | (?:{_LABEL}\.){{1,3}}my\.salesforce(?:-setup)?\.com  # My Domain, sandbox, develop, scratch
      | (?:{_LABEL}\.){{1,3}}my\.salesforce\.mil             # Government Cloud Plus - Defense
      | (?:{_LABEL}\.){{1,3}}my\.sfcrmproducts\.cn           # Salesforce on Alibaba Cloud
    )\Z""",
    re.VERBOSE | re.ASCII,
)
_ORIGIN = re.compile(r"(https?)://[a-z0-9.-]+(?::[0-9]{1,5})?\Z", re.ASCII)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are the IPv4 address
LONGEST = 255
RESOLVED_WITHIN = 5.0  # seconds
CURE = (
    "Use https://login.salesforce.com for production, https://test.salesforce.com for a sandbox, "
    "or your own domain such as https://myorg.my.salesforce.com."
)
Resolve = Callable[[str], Awaitable[Sequence[str]]]


class HostRefusedError(InvalidInputError):
    """It is not an origin that we would show a token to."""

    code = "host_refused"


class AddressRefusedError(NotConnectedError):
    """The name is one of Salesforce's, but leads to an address that is not of the internet."""

    code = "address_refused"


def allowed_origins(setting: str) -> frozenset[str]:
    """Read the setting: a JSON list of exact origins, for development.

    Raises:
        ValueError: it is not that.
    """
    try:
        found = json.loads(setting)
    except ValueError:
        found = None
    origins = [str(one) for one in found] if isinstance(found, list) else [""]
    if not all(_ORIGIN.match(one) for one in origins):
        raise ValueError("a JSON list of origins such as http://127.0.0.1:5555")
    return frozenset(origins)


def checked_origin(url: str, allowed: Collection[str], *, field: str) -> str:
    """Return scheme and host in lower case, without a trailing slash.

    Raises:
        HostRefusedError: nothing of ours goes there.
    """
    told = url.strip(" ") if len(url) <= LONGEST else ""
    origin = told.removesuffix("/")
    if not origin.isascii():
        origin = ""
    origin = origin.lower()
    if origin in allowed or SALESFORCE.match(origin):
        return origin
    raise HostRefusedError("this is not a Salesforce address", field=field, cure=CURE)


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the internet, also when it is wrapped in IPv6.

    Private, loopback, link-local, shared (carrier-grade NAT), multicast and reserved ones do not.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (inner := _wrapped(ip)) is not None:
        ip = inner
    local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or local)


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


async def resolved(host: str) -> list[str]:
    """Ask the system's resolver; raise OSError when it knows no such name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True)
class Hosts:
    """What may be called: Salesforce, and the origins ``allowed`` beside it for development.

    Allowed origins may be local ones; a name of Salesforce's must lead to public addresses.
    """

    allowed: frozenset[str] = frozenset()
    resolve: Resolve = field(default=resolved, repr=False)
    seconds: float = RESOLVED_WITHIN

    def origin(self, instance_url: str) -> str:
        """Return the origin of an instance; raise HostRefusedError."""
        return checked_origin(instance_url, self.allowed, field="instance_url")

    async def look_up(self, host: str) -> None:
        """Resolve a host before anything connects to it.

        Raises:
            AddressRefusedError: one of its addresses is not public.
            OSError: it cannot be resolved, or not in time.
        """
        async with asyncio.timeout(self.seconds):  # TimeoutError is an OSError
            addresses = await self.resolve(host)
        for address in addresses:
            self.verify(address)

    def verify(self, address: str) -> None:
        """Raise AddressRefusedError for an address that is not public.

        The peer is verified too, once connected: the name may have come to mean something else.
        """
        if not is_public(address):
            raise AddressRefusedError("the host leads to an address that is not public")
