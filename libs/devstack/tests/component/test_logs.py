"""Many logs, one stream."""

from __future__ import annotations

import asyncio
from pathlib import Path

from crmlink_devstack.logs import follow, keep_last, log_of, matching


def a_log(folder: Path, name: str, text: str) -> Path:
    log = log_of(folder, name)
    log.parent.mkdir(exist_ok=True)
    with log.open("a") as file:
        file.write(text)
    return log


async def test_new_lines_of_all_parts_come_as_one_stream(tmp_path: Path) -> None:
    a_log(tmp_path, "oauth-1", "old\n")
    lines = follow(tmp_path, sleep=lambda _: asyncio.sleep(0))
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    a_log(tmp_path, "oauth-1", "new\nhal")
    a_log(tmp_path, "kafka", "up\n")
    assert {await first, await anext(lines)} == {"oauth-1 | new", "kafka | up"}
    a_log(tmp_path, "oauth-1", "f\n")
    assert await anext(lines) == "oauth-1 | half"
    keep_last(tmp_path)
    a_log(tmp_path, "oauth-1", "b\n")  # shorter than before: a new run
    assert await anext(lines) == "oauth-1 | b"


def test_a_services_name_means_all_its_instances(tmp_path: Path) -> None:
    for name in ("sync-inbound-1", "sync-outbound-1", "sync-outbound-2"):
        a_log(tmp_path, name, "")
    assert [log.stem for log in matching(tmp_path, "sync-outbound")] == [
        "sync-outbound-1",
        "sync-outbound-2",
    ]


def test_the_last_run_is_kept_and_no_more(tmp_path: Path) -> None:
    for run in ("first\n", "second\n"):
        log = a_log(tmp_path, "kafka", run)
        keep_last(tmp_path)
    assert not log.exists()
    assert log.with_suffix(".log.1").read_text() == "second\n"
