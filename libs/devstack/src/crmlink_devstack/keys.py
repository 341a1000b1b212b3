"""Secrets of a local stack: made once, kept in one file that only its owner reads."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from typing import Any
from uuid import uuid4

from crmlink_common.contracts.topics import SERVICES
from crmlink_common.internal.auth import new_key_pair
from crmlink_devstack.errors import DevstackError

PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Keys:
    """What the services of one stack share, and what opens its gateway."""

    workspace: str
    bootstrap_key: str = field(repr=False)
    encryption_keys: Mapping[str, str] = field(repr=False)
    private: Mapping[str, str] = field(repr=False)
    public: Mapping[str, str]
    database: Mapping[str, str] = field(default_factory=dict, repr=False)  # passwords of its roles


def keys_in(folder: Path) -> Keys:
    """Read the keys of the stack, or make them at the first start."""
    path = folder / "secrets.json"
    if not path.exists():
        write_private(path, asdict(_new_keys()))
    try:
        keys = Keys(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        raise DevstackError(
            f"{path} cannot be read as the keys of this stack: put it back, or run make clean to "
            "begin anew (the data is encrypted with these keys)."
        ) from None
    if not keys.database:  # of before services had roles of their own
        keys = replace(keys, database=_passwords())
        write_private(path, asdict(keys))
    return keys


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        json.dump(content, file, indent=1)
    temporary.replace(path)


def _new_keys() -> Keys:
    pairs = {service: new_key_pair() for service in SERVICES}
    return Keys(
        workspace=str(uuid4()),
        bootstrap_key=f"crmlink_{token_urlsafe(32)}",
        encryption_keys={"k1": base64.b64encode(token_bytes(32)).decode()},
        private={service: private for service, (private, _) in pairs.items()},
        public={service: public for service, (_, public) in pairs.items()},
        database=_passwords(),
    )


def _passwords() -> dict[str, str]:
    return {service: token_urlsafe(24) for service in SERVICES}
