"""What may come back from Salesforce with a browser, and the cookie that proves whose it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

LONGEST = {"state": 256, "code": 4096, "error": 256, "error_description": 4096}
MOST_PARAMETERS = 50
LONGEST_COOKIE = 256
COOKIE = "crmlink_oauth_"
# a callback with another sign-in's state proves nothing about the one that is under way here
NOT_OURS = frozenset({"state_unknown", "other_browser"})


class MalformedCallbackError(ValueError):
    """Salesforce does not send this: a parameter twice, too many, or one without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """The four parameters; what else Salesforce adds is of no use to us."""

    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    error_description: str = field(default="", repr=False)

    def with_cookie(self, browser_token: str) -> dict[str, str]:
        """Give what is handed on."""
        return {**asdict(self), "browser_token": browser_token}


def read_callback(pairs: Iterable[tuple[str, str]]) -> Came:
    """Take the parameters apart.

    Raises:
        MalformedCallbackError: one is there twice, is too long, or there are too many.
    """
    found: dict[str, str] = {}
    for number, (name, value) in enumerate(pairs, start=1):
        if number > MOST_PARAMETERS:
            raise MalformedCallbackError("too many parameters")
        if name not in LONGEST:
            continue
        if name in found:
            raise MalformedCallbackError("a parameter is there twice")
        if len(value) > LONGEST[name]:
            raise MalformedCallbackError("a parameter is too long")
        found[name] = value
    return Came(**found)


def cookie_of(state: str) -> str:
    """Name the cookie of one sign-in: two under way in one browser do not touch each other."""
    return COOKIE + hashlib.sha256(state.encode(errors="replace")).hexdigest()[:16]
