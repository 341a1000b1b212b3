"""One child process: started, watched, paused, stopped and killed by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil

from crmlink_devstack.errors import PartDiedError

WRAPPER = Path(__file__).with_name("child.py")
TAIL = 15
POLL = 0.03


@dataclass(frozen=True, slots=True)
class Owner:
    """The user a child runs as, where it must not run as ours."""

    user: int
    group: int


@dataclass(slots=True)
class Child:
    """A program of ours in a session of its own, so that Ctrl-C goes to its parent alone.

    It ends with the thread that spawned it: call `spawn` in a thread that lives as long
    as the child should, best the main one.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    owner: Owner | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace: float = 20.0
    stdout: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    told_to_end: bool = False

    def spawn(self) -> None:
        """Start the program; its words go to the end of the log.

        With `stdout`, what it answers goes there, for its owner alone to read.
        """
        self.told_to_end = False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, self._answers(log) as answers:
            self.process = subprocess.Popen(  # noqa: S603 - our own words
                self.wrapped(),
                stdin=subprocess.DEVNULL,
                stdout=answers,
                stderr=log,
                env=os.environ | dict(self.environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return the process id, 0 before the first start."""
        return self.process.pid if self.process else 0

    @property
    def alive(self) -> bool:
        """Tell whether the process runs (a paused one does)."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs or before it was started."""
        return self.process.poll() if self.process else None

    @property
    def died(self) -> bool:
        """Tell whether it ended though nobody told it to."""
        return self.exit_code is not None and not self.told_to_end

    def wait_until(self, ready: Callable[[], bool], limit: float, poll: float = POLL) -> None:
        """Return once it is ready; raise with the end of its log if it ends or takes too long."""
        deadline = time.monotonic() + limit
        while not ready():
            if not self.alive:
                raise PartDiedError(f"{self.name} ended before it was ready.{self.last_words()}")
            if time.monotonic() > deadline:
                raise PartDiedError(
                    f"{self.name} was not ready after {limit:.0f} s.{self.last_words()}"
                )
            time.sleep(poll)

    def last_words(self) -> str:
        """Return where the log is, and its end."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return f" Its log {self.log} ends with:\n" + "\n".join(f"  {line}" for line in lines)

    def stop(self) -> bool:
        """End it in good order; False if it had to be killed."""
        self.told_to_end = True
        if not self.alive:
            return True
        self.resume()
        self._send(self.stop_signal)
        if self.ended(self.grace):
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """End it and all it started without a word, as a crash would."""
        self.told_to_end = True
        family = self._family()
        for process in family:
            _signal(process, signal.SIGKILL)
        self.ended(10)
        wait_gone(family[1:], 10)

    def pause(self) -> None:
        """Freeze it and all it started."""
        for process in self._family():
            _signal(process, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        for process in self._family():
            _signal(process, signal.SIGCONT)

    def wrapped(self) -> list[str]:
        """Return the words that start it so that it ends with its parent."""
        user, group = (self.owner.user, self.owner.group) if self.owner else (-1, -1)
        told = [os.getpid(), int(self.death_signal), user, group]
        return [sys.executable, "-I", "-S", str(WRAPPER), *map(str, told), *self.command]

    @contextmanager
    def _answers(self, log: BinaryIO) -> Iterator[BinaryIO]:
        if self.stdout is None:
            yield log
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self.stdout, flags, 0o600), "wb") as answers:
            yield answers

    def _family(self) -> list[psutil.Process]:
        if not self.alive:
            return []
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def ended(self, limit: float) -> bool:
        """Wait for its end; False if it still runs after that many seconds."""
        if self.process is None:
            return True
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return False
        return True


def wait_gone(processes: Iterable[psutil.Process], limit: float) -> list[psutil.Process]:
    """Wait for processes to end; return those that still run.

    A zombie has ended: it may stay for long where the first process of a container reaps none.
    """
    deadline = time.monotonic() + limit
    left = [process for process in processes if _runs(process)]
    while left and time.monotonic() < deadline:
        time.sleep(POLL)
        left = [process for process in left if _runs(process)]
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
