"""One stack a folder; what a killed one left is ended, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from crmlink_devstack.errors import DevstackError
from crmlink_devstack.state import Ledger, Running, end_all, read_state, running, stop_stack

OWNER = """
import sys, time
from pathlib import Path
from crmlink_devstack.state import Ledger
ledger = Ledger(Path(sys.argv[1]))
ledger.write("http://x", [])
print(1, flush=True)
time.sleep(60)
"""


@pytest.fixture
def leftover() -> Iterator[Running]:
    process = subprocess.Popen(["/bin/sleep", "60"])
    found = running("oauth-1", process.pid, 5)
    assert found
    yield found
    process.kill()
    process.wait()


def owner_of(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", OWNER, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)  # noqa: S603 - our own words
    assert process.stdout
    with process.stdout:
        process.stdout.readline()
    return process


def test_a_second_stack_in_the_folder_is_told_who_runs_there(tmp_path: Path) -> None:
    owner = owner_of(tmp_path)
    with pytest.raises(DevstackError, match=rf"already running .*, pid {owner.pid}: stop it"):
        Ledger(tmp_path)
    assert stop_stack(tmp_path) == []
    assert owner.wait(10) != 0
    Ledger(tmp_path).release()


def test_what_a_killed_stack_left_is_ended_at_the_next_start(
    tmp_path: Path, leftover: Running
) -> None:
    first = Ledger(tmp_path)
    first.write("http://x", [leftover])
    first._lock.close()  # as the kernel does when its holder is killed
    second = Ledger(tmp_path)
    assert leftover.find() is None
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_pid_that_was_given_out_again_is_left_alone(leftover: Running) -> None:
    assert end_all([replace(leftover, started=leftover.started - 10)]) == []
    assert psutil.pid_exists(leftover.pid)


def test_a_frozen_one_is_ended_too(leftover: Running) -> None:
    psutil.Process(leftover.pid).suspend()
    assert end_all([leftover]) == ["oauth-1"]
    assert leftover.find() is None


def test_a_damaged_record_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"parts": 3}')
    assert read_state(tmp_path) is None
    Ledger(tmp_path).release()
