"""Children do as they are told, and never outlive their parent."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from crmlink_devstack.errors import PartDiedError
from crmlink_devstack.processes import Child

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
Start = Callable[..., Child]


def pid_runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    children = []

    def spawn(code: str = "", **more: object) -> Child:
        words = [
            sys.executable,
            "-c",
            f"{code or 'print(1, flush=True)'}; import time; time.sleep(60)",
        ]
        child = Child("part", words, tmp_path / "part.log", **more)  # type: ignore[arg-type]
        children.append(child)
        child.spawn()
        child.wait_until(lambda: bool(child.log.read_text()), 10)
        return child

    yield spawn
    for child in children:
        child.kill()


def test_it_stops_when_told(start: Start) -> None:
    child = start()
    assert child.stop()
    assert not child.alive
    assert not child.died


def test_one_that_does_not_obey_is_killed_and_that_is_reported(start: Start) -> None:
    child = start(STUBBORN, grace=0.3)
    assert not child.stop()
    assert not child.alive


def test_a_kill_takes_all_it_started(start: Start) -> None:
    child = start(
        "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True)"
    )
    grandchild = int(child.log.read_text())
    child.kill()
    assert not child.alive
    assert not pid_runs(grandchild)


def comes_to(pid: int, wanted: Callable[[str], bool], seconds: float = 10) -> bool:
    """Wait for a state: a signal arrives a moment after it was sent."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if wanted(psutil.Process(pid).status()):
            return True
        time.sleep(0.02)
    return False


def test_a_paused_one_stands_still_and_can_still_be_stopped(start: Start) -> None:
    child = start()
    child.pause()
    assert comes_to(child.pid, lambda status: status == psutil.STATUS_STOPPED)
    child.resume()
    assert comes_to(child.pid, lambda status: status != psutil.STATUS_STOPPED)
    child.pause()
    assert child.stop()


def test_one_that_ends_before_it_is_ready_tells_its_last_words(tmp_path: Path) -> None:
    child = Child("part", [sys.executable, "-c", "print('no such file'); exit(3)"], tmp_path / "l")
    child.spawn()
    with pytest.raises(PartDiedError, match=r"part ended before it was ready\.(?s:.*)no such file"):
        child.wait_until(lambda: False, 10)
    assert (child.exit_code, child.died) == (3, True)


def test_one_that_takes_too_long_is_not_waited_for(start: Start) -> None:
    with pytest.raises(PartDiedError, match="not ready after 0 s"):
        start().wait_until(lambda: False, 0.1)


def test_a_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    parent = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE
    )
    assert parent.stdout
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait(10)
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


PARENT = """
import sys, time
from pathlib import Path
from crmlink_devstack.processes import Child
child = Child("part", ["sleep", "60"], Path(sys.argv[1]))
child.spawn()
time.sleep(0.3)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_answers_go_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    told = tmp_path / "told"
    child = Child("part", [sys.executable, "-c", "print('secret')"], tmp_path / "log", stdout=told)
    child.spawn()
    assert child.ended(10)
    assert told.read_text() == "secret\n"
    assert told.stat().st_mode & 0o077 == 0
    assert child.log.read_text() == ""
