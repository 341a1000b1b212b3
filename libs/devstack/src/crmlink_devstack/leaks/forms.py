"""How a secret may look where it leaks: plain, base64, hexadecimal, as part of a URL."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters: what is shorter is found anywhere by chance


@dataclass(frozen=True, slots=True)
class Secret:
    """``kind`` is what a finding is called; a raw key's ``text`` holds its bytes."""

    kind: str
    text: str | bytes = field(repr=False)

    @property
    def raw(self) -> bytes:
        """Give its bytes."""
        return self.text if isinstance(self.text, bytes) else self.text.encode()

    def forms(self) -> dict[str, str]:
        """Give each form by its name; too short ones raise ValueError."""
        found = {"hexadecimal": self.raw.hex(), **_base64(self.raw)}
        if isinstance(self.text, str):
            found |= _as_text(self.text)
        if any(len(form) < SHORTEST for form in found.values()):
            raise ValueError(f"{self.kind}: too short to be searched for")
        return found


def _as_text(text: str) -> dict[str, str]:
    once = quote(text, safe="")
    return {
        "plain": text,
        "in JSON": json.dumps(text)[1:-1],
        "backwards": text[::-1],
        "url-encoded": once,
        "url-encoded, small letters": _small(once),
        "url-encoded as a form": quote_plus(text),
        "url-encoded but for slashes": quote(text),
        "url-encoded twice": quote(once, safe=""),
    }


def _small(quoted: str) -> str:
    first, *rest = quoted.split("%")
    return "%".join([first, *[part[:2].lower() + part[2:] for part in rest]])


def _base64(raw: bytes) -> dict[str, str]:
    """Encode at each of the three places in a group of three bytes that it may begin at.

    The first and the last characters, which depend on what stands before and after, are left
    out: so padding makes no difference either.
    """
    found: dict[str, str] = {}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).rstrip(b"=")
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        for name, text in (
            ("base64", whole),
            ("base64, url-safe", whole.translate(bytes.maketrans(b"+/", b"-_"))),
        ):
            found[f"{name}, {before} bytes in"] = text[first:last].decode()
            found[f"{name}, {before} bytes in, url-encoded"] = quote(text[first:last], safe="")
    return found
