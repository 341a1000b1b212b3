"""Which origins may be called Salesforce: https, its own host names, nothing else in the URL."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from crmlink_common.errors import InvalidInputError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A grammar, not a parser: what is not spelled exactly so (user, port, path, escapes, other
# alphabets, control characters) has no way in.
SALESFORCE = re.compile(
    rf"""https://(?:
        (?:login|test)\.salesforce\.com
      | [a-z]{{2,4}}[0-9]{{1,4}}\.salesforce\.com           # instances: na1, cs42, um6
      | (?:{_LABEL}\.){{1,3}}my\.salesforce(?:-setup)?\.com  # My Domain, sandbox, develop, scratch
      | (?:{_LABEL}\.){{1,3}}my\.salesforce\.mil
    )\Z""",
    re.VERBOSE | re.ASCII,
)
_ORIGIN = re.compile(r"(https?)://[a-z0-9.-]+(?::[0-9]{1,5})?\Z", re.ASCII)
LONGEST = 255
CURE = (
    "Use https://login.salesforce.com for production, https://test.salesforce.com for a sandbox, "
    "or your own domain such as https://myorg.my.salesforce.com."
)


class HostRefusedError(InvalidInputError):
    """It is not an origin that we would show a token to."""

    code = "host_refused"


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
