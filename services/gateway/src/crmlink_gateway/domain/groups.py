"""*Run Sync* with both directions on starts two runs, shown as one group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def directions(asked: str | None, config: Mapping[str, Any]) -> list[str]:
    """Say which directions to run: the one that was asked for, else all that are on."""
    if asked is not None:
        return [asked]
    return [one for one in ("outbound", "inbound") if config.get(f"{one}_enabled")]


def refusal(direction: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a problem document what a person needs beside the runs that did start."""
    kept = ("code", "title", "detail", "cure", "run_id")
    return {"direction": direction, **{name: document[name] for name in kept if name in document}}
