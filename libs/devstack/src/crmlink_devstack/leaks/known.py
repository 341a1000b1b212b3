"""What to look for: every secret of a stack, and the people in its file of members."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from crmlink_devstack.keys import Keys
from crmlink_devstack.leaks.forms import SHORTEST, Secret
from crmlink_devstack.parts import Org

HANDED = ("access_tokens", "refresh_tokens", "id_tokens", "codes", "states", "verifiers")


def secrets_of(keys: Keys, orgs: Iterable[Org], more: Iterable[Secret] = ()) -> list[Secret]:
    """Give all, of orgs with an open control API also what they have handed out since the start."""
    found = {Secret("API key", keys.bootstrap_key), *more}
    for key in keys.encryption_keys.values():
        found |= {Secret("encryption key", key), Secret("encryption key", base64.b64decode(key))}
    found |= {Secret("database password", word) for word in keys.database.values()}
    for private in keys.private.values():
        found |= set(_signing(private))
    for org in orgs:
        found |= {Secret("client secret", org.client_secret), Secret("password", org.password)}
        found |= set(_handed(org))
    return sorted(found, key=lambda one: (one.kind, one.raw))


def _signing(private: str) -> Iterator[Secret]:
    pem = base64.b64decode(private)
    key = load_pem_private_key(pem, password=None)
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    for text in (private, pem.decode(), seed):
        yield Secret("signing key", text)


def _handed(org: Org) -> Iterator[Secret]:
    told = httpx.get(f"{org.url}/_sim/handed-out", trust_env=False).raise_for_status().json()
    for kind in HANDED:
        for text in told.get(kind, ()):
            yield Secret(kind.replace("_", " ").removesuffix("s"), text)


def people_of(file: Path) -> tuple[list[Secret], list[str]]:
    """Give addresses and telephones, and the names, of a file of members."""
    reach: set[Secret] = set()
    names: set[str] = set()
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            names.add(row.get("name") or f"{row.get('first_name')} {row.get('last_name')}")
            for kind in ("email", "phone"):
                text = (row.get(kind) or "").strip()
                digits = "".join(c for c in text if c.isdigit())
                if len(text if kind == "email" else digits) >= SHORTEST:
                    reach.add(Secret(kind, text.lower() if kind == "email" else digits))
    return sorted(reach, key=lambda one: (one.kind, one.raw)), sorted(names)
