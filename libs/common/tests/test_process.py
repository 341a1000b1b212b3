from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from crmlink_common.process import USAGE, Process


def nothing() -> None:
    return None


def a_process(migrate: Callable[[], None] = nothing) -> Process:
    async def republish() -> int:
        return 7

    return Process(
        service="tools",
        instance="one",
        host="127.0.0.1",
        port=0,
        app=FastAPI,
        migrate=migrate,
        republish=republish,
    )


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The process sets up the log of the whole process: give the next test its own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("argv", [[], ["start"], ["serve", "now"], ["--help"]])
def test_a_wrong_command_ends_with_its_usage(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert a_process().main(argv) == USAGE
    assert capsys.readouterr().err == "usage: tools serve | migrate | republish\n"


def test_a_migration_is_done() -> None:
    done: list[str] = []
    assert a_process(lambda: done.append("migrated")).main(["migrate"]) == 0
    assert done == ["migrated"]


def test_a_migration_that_fails_ends_with_one_and_shows_no_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise ValueError("postgresql://user:secret@host")

    assert a_process(fail).main(["migrate"]) == 1
    told = capsys.readouterr()
    assert "migration failed" in told.out + told.err
    assert "secret" not in told.out + told.err


def test_republishing_tells_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert a_process().main(["republish"]) == 0
    told = capsys.readouterr()
    assert "republished" in told.out + told.err
    assert "7" in told.out + told.err


def test_serving_ends_well_when_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[str, int]] = []

    def run(app: FastAPI, *, host: str, port: int, **_: object) -> None:
        served.append((host, port))

    monkeypatch.setattr(uvicorn, "run", run)
    assert a_process().main(["serve"]) == 0
    assert served == [("127.0.0.1", 0)]
