"""The connected app and the person who may log in: made once, kept in the store."""

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from string import ascii_letters, digits

from crmlink_salesforce_sim.ids import make_id
from crmlink_salesforce_sim.store import Store

SCOPES = (
    "api",
    "web",
    "full",
    "refresh_token",
    "offline_access",
    "openid",
    "id",
    "profile",
    "email",
    "address",
    "phone",
)
_IDENTITY, _CALLBACKS = "identity", "callbacks"


@dataclass(frozen=True)
class Identity:
    """Who the org is, and what opens it."""

    org_id: str
    user_id: str
    client_id: str
    client_secret: str
    username: str
    password: str


def identity_of(store: Store, seed: int) -> Identity:
    """Return the identity of this org; the first start decides it."""
    if (kept := store.fact(_IDENTITY)) is None:
        kept = json.dumps(_made(seed))
        store.set_fact(_IDENTITY, kept)
    return Identity(**json.loads(kept))


def _made(seed: int) -> dict[str, str]:
    random = Random(f"identity {seed}")  # noqa: S311 - a practice org, the same for the same seed
    letters = ascii_letters + digits
    secret = sha256(random.randbytes(32)).hexdigest().upper()
    return {
        "org_id": make_id("00D", random.randrange(1, 62**6)),
        "user_id": make_id("005", 1),
        "client_id": "3MVG9" + "".join(random.choices(letters + "._", k=80)),
        "client_secret": secret,
        "username": "admin@crmlink.example",
        "password": b64encode(random.randbytes(9)).decode(),
    }


def callbacks(store: Store) -> list[str]:
    """Return the callback URLs registered for the app."""
    found: list[str] = json.loads(store.fact(_CALLBACKS) or "[]")
    return found


def register_callbacks(store: Store, urls: list[str]) -> None:
    """Replace the registered callback URLs."""
    store.set_fact(_CALLBACKS, json.dumps(sorted({url.strip() for url in urls if url.strip()})))
