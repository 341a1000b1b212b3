"""One log per part in one folder, and all of them as one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

POLL = 0.2
CHUNK = 1024 * 1024


def log_of(folder: Path, name: str) -> Path:
    """Return where a part writes."""
    return folder / "logs" / f"{name}.log"


def keep_last(folder: Path) -> None:
    """Set the logs of the run before aside, so that they never grow without end."""
    for log in (folder / "logs").glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def matching(folder: Path, service: str | None) -> list[Path]:
    """Return the logs of a service's instances, or all."""
    logs = sorted((folder / "logs").glob("*.log"))
    if service is None:
        return logs
    return [log for log in logs if log.stem == service or log.stem.startswith(f"{service}-")]


async def follow(
    folder: Path,
    service: str | None = None,
    *,
    from_start: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[str]:
    """Yield each new line of every log, with its part's name before it, until it is closed."""
    read: dict[Path, int] = {}
    if not from_start:
        read = {log: log.stat().st_size for log in matching(folder, service)}
    while True:
        for log in matching(folder, service):
            for line in _new_lines(log, read):
                yield f"{log.stem} | {line}"
        await sleep(POLL)


def _new_lines(log: Path, read: dict[Path, int]) -> list[str]:
    begin = read.get(log, 0)
    if log.stat().st_size < begin:  # a new run began
        begin = 0
    with log.open("rb") as file:
        file.seek(begin)
        chunk = file.read(CHUNK)
    whole = chunk.rfind(b"\n") + 1 or (len(chunk) if len(chunk) == CHUNK else 0)
    read[log] = begin + whole
    return chunk[:whole].decode(errors="replace").splitlines()
