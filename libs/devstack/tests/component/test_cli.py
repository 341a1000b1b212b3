"""What a person sees: one sentence, an exit code, and never a traceback."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crmlink_devstack.cli import app, until
from crmlink_devstack.logs import log_of


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRMLINK_RUN_FOLDER", str(tmp_path))
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize("command", ["run", "up"])
def test_a_taken_port_is_one_sentence(command: str, taken_port: int, folder: Path) -> None:
    result = called(command, "--port", str(taken_port))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Port {taken_port} of 127.0.0.1, wanted for the gateway")
    assert result.stderr.count("\n") == 1
    assert not (folder / "stack.lock").exists()


def test_a_missing_file_of_members_is_one_sentence(folder: Path) -> None:
    result = called("run", "--port", "0", "--members", str(folder / "none.csv"))
    assert result.exit_code == 1
    assert "leave MEMBERS out to use sample members" in result.stderr
    assert result.stderr.count("\n") == 1


def test_nothing_runs(folder: Path) -> None:
    assert (called("down").exit_code, called("status").exit_code) == (0, 1)
    assert called("down").stdout == "Nothing was running.\n"


def test_the_logs_of_one_service_are_shown_with_their_names(folder: Path) -> None:
    for name in ("tools-1", "oauth-1"):
        log = log_of(folder, name)
        log.parent.mkdir(exist_ok=True)
        log.write_text("ready\n")
    assert called("logs", "tools").stdout == "tools-1 | ready\n"
    assert len(called("logs").stdout.splitlines()) == 2


async def test_work_is_done_or_cancelled_when_the_end_comes_first() -> None:
    ending, cleaned = asyncio.Event(), []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cleaned.append(1)

    assert await until(ending, asyncio.sleep(0))
    asyncio.get_running_loop().call_later(0.01, ending.set)
    assert not await until(ending, work())
    assert cleaned == [1]
