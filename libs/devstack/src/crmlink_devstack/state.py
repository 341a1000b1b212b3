"""What runs here, on disk: so that a second start, and `down`, know what a first one left."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import psutil

from crmlink_devstack.errors import DevstackError
from crmlink_devstack.keys import write_private
from crmlink_devstack.processes import wait_gone

SAME_START = 0.05  # seconds: a pid is given out again, but not with the same start time
SOON = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """One process, recognised by its pid and its start time together."""

    name: str
    pid: int
    started: float
    port: int = 0

    def find(self) -> psutil.Process | None:
        """Return the process if it is still this one."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START
            gone = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same and not gone else None


@dataclass(frozen=True, slots=True)
class State:
    """A stack: the process that owns it, its address, and its parts."""

    owner: Running
    url: str = ""
    parts: list[Running] = field(default_factory=list)


def running(name: str, pid: int, port: int = 0) -> Running | None:
    """Describe a process of ours, None if it has ended already."""
    try:
        return Running(name, pid, psutil.Process(pid).create_time(), port)
    except psutil.NoSuchProcess:
        return None


def read_state(folder: Path) -> State | None:
    """Return what the last stack wrote, None if it ended in good order or wrote nothing."""
    try:
        told = json.loads((folder / "stack.json").read_text())
        parts = [Running(**part) for part in told["parts"]]
        return State(Running(**told["owner"]), told["url"], parts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Ledger:
    """The right to run a stack in a folder, and the record of what runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = _take(folder)
        if left := read_state(folder):
            end_all(left.parts)

    def write(self, url: str, parts: Iterable[Running]) -> None:
        """Record what runs now."""
        owner = running("devstack", os.getpid())
        if owner is not None:
            write_private(self._folder / "stack.json", asdict(State(owner, url, list(parts))))

    def release(self) -> None:
        """Leave neither record nor lock behind."""
        (self._folder / "stack.json").unlink(missing_ok=True)
        (self._folder / "stack.lock").unlink(missing_ok=True)
        self._lock.close()


def _take(folder: Path) -> IO[str]:
    """Lock the folder; the kernel frees the lock when its holder ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stack.lock"
    while True:
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise DevstackError(_already(folder)) from None
        if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
            return lock
        lock.close()  # its last holder removed it in between


def _already(folder: Path) -> str:
    state = read_state(folder)
    pid = f", pid {state.owner.pid}" if state else ""
    return (
        f"A stack is already running in {folder}{pid}: stop it with Ctrl-C where it runs, or "
        "with .venv/bin/python -m crmlink_devstack down."
    )


def end_all(parts: Iterable[Running]) -> list[str]:
    """End what a stack left running, politely at first; return the names of what was."""
    found = [(part.name, process) for part in parts if (process := part.find())]
    families = [child for _, process in found for child in _children(process)]
    for name, process in found:
        _send(process, signal.SIGCONT)
        _send(process, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    alive = wait_gone([process for _, process in found], SOON)
    left = wait_gone([*alive, *families], 0.5)
    for process in left:
        _send(process, signal.SIGKILL)
    wait_gone(left, SOON)
    return [name for name, _ in found]


def stop_stack(folder: Path, patience: float = 90.0) -> list[str]:
    """End the stack of a folder from outside; return the names of what was running."""
    state = read_state(folder)
    if state is None:
        return []
    names = [part.name for part in state.parts if part.find()]
    if owner := state.owner.find():
        _send(owner, signal.SIGTERM)
        for process in wait_gone([owner], patience):
            _send(process, signal.SIGKILL)
    end_all(state.parts)
    for name in ("stack.json", "stack.lock"):
        (folder / name).unlink(missing_ok=True)
    return names


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
