"""The stack on real servers, with stand-ins for the services and the org."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from crmlink_common.contracts.topics import SERVICES
from crmlink_devstack.cli import INTERRUPTED, session
from crmlink_devstack.environment import Wiring, prefix_of
from crmlink_devstack.errors import DevstackError, PartDiedError
from crmlink_devstack.keys import Keys
from crmlink_devstack.layout import lay_out
from crmlink_devstack.options import Options
from crmlink_devstack.parts import Part, Service, Simulator, says_ready
from crmlink_devstack.ports import is_free
from crmlink_devstack.stack import Stack
from crmlink_devstack.state import read_state

pytestmark = pytest.mark.integration
PROGRAMS = Path(__file__).parents[1] / "programs"


def stand_ins(options: Options, keys: Keys) -> tuple[Wiring, dict[str, Part]]:
    wiring, parts = lay_out(options, keys)
    for name, part in parts.items():
        if isinstance(part, Service):
            program = [sys.executable, str(PROGRAMS / "service.py"), prefix_of(part.service)]
            parts[name] = replace(part, program=program)
        elif isinstance(part, Simulator):
            part.child.command = [
                sys.executable,
                str(PROGRAMS / "simulated_org.py"),
                str(part.port),
            ]
    return wiring, parts


def told(folder: Path, **more: str) -> dict[str, dict[str, str]]:
    """Tell each stand-in where to note its migration, and one of them what more to do."""
    settings = {
        service: {f"{prefix_of(service)}MIGRATED": str(folder / f"{service}.migrated")}
        for service in SERVICES
    }
    for name in more:
        settings["tools"] |= {f"TOOLS_{name}": "1"}
    return settings


@pytest.fixture
def options(tmp_path: Path, kafka: str, database: str) -> Options:
    return Options(
        folder=tmp_path,
        port=0,
        sample=3,
        broker=kafka,
        database=database.replace("+psycopg", ""),
        settings=told(tmp_path),
    )


@pytest.fixture
async def stack(options: Options) -> AsyncIterator[Stack]:
    async with Stack(options, plan=stand_ins) as stack:
        yield stack


def nothing_is_left(stack: Stack) -> bool:
    files = {path.name for path in stack.options.folder.iterdir()}
    ports = all(is_free(part.port) for part in stack.parts.values())
    return ports and not files & {"stack.json", "stack.lock"}


async def test_every_part_can_be_treated_by_its_name(stack: Stack) -> None:
    first = stack.part("reconciler").child.pid
    await stack.kill("reconciler-1")
    assert not stack.alive("reconciler")
    await stack.start("reconciler")
    assert stack.part("reconciler").child.pid != first
    with pytest.raises(DevstackError, match="reconciler is already running: stop it first"):
        await stack.start("reconciler")
    stack.pause("tools")
    assert not says_ready(stack.part("tools").port, limit=0.2)
    stack.resume("tools")
    await stack.restart("tools")
    assert says_ready(stack.part("tools").port)
    assert stack.died() == []
    with pytest.raises(DevstackError, match="has no part nobody; it has salesforce, gateway-1"):
        stack.part("nobody")


async def test_a_second_instance_runs_beside_the_first(stack: Stack) -> None:
    name = await stack.add_instance("sync-outbound")
    assert name == "sync-outbound-2"
    assert stack.url(name) != stack.url("sync-outbound")
    assert stack.alive(name)
    assert stack.part(name).child.environment["SYNC_OUTBOUND_INSTANCE"] == name
    await stack.down()
    assert nothing_is_left(stack)


async def test_the_record_on_disk_names_each_process(stack: Stack) -> None:
    found = read_state(stack.options.folder)
    assert found
    assert {part.name for part in found.parts} == stack.parts.keys()
    assert all(part.find() for part in found.parts)
    await stack.down()
    assert not any(part.find() for part in found.parts)
    assert nothing_is_left(stack)


async def test_a_part_that_ends_by_itself_is_noticed(stack: Stack) -> None:
    psutil.Process(stack.part("oauth").child.pid).send_signal(signal.SIGKILL)
    assert stack.part("oauth").child.ended(10)
    assert stack.died() == ["oauth-1"]


async def test_what_the_org_tells_is_known_and_in_no_log(stack: Stack) -> None:
    surfaces = stack.surfaces()
    assert (surfaces.org_url, surfaces.client_secret) == (stack.org.url, "not-in-a-log")
    logs = "".join(log.read_text() for log in stack.options.folder.glob("logs/*"))
    assert "not-in-a-log" not in logs
    assert surfaces.api_key not in logs
    assert surfaces.members_file.read_text().count("\n") == 4


async def test_it_comes_up_again_on_the_same_ports_with_the_same_keys(options: Options) -> None:
    seen = []
    for _ in range(2):
        async with Stack(options, plan=stand_ins) as stack:
            keys = stack.wiring.keys
            seen.append((keys, [part.port for part in stack.parts.values()]))
    assert seen[0] == seen[1]


async def test_a_service_that_cannot_start_ends_everything_and_tells_its_last_words(
    options: Options,
) -> None:
    stack = Stack(replace(options, settings=told(options.folder, FAILS="1")), plan=stand_ins)
    with pytest.raises(PartDiedError, match=r"migrate-tools failed\.(?s:.*)told to fail"):
        await stack.up()
    assert nothing_is_left(stack)


async def test_one_that_does_not_stop_is_killed_and_named(options: Options) -> None:
    stack = Stack(replace(options, settings=told(options.folder, STUBBORN="1")), plan=stand_ins)
    await stack.up()
    stack.part("tools").child.grace = 0.3
    assert await stack.down() == ["tools-1"]
    assert nothing_is_left(stack)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_everything_in_good_order(
    options: Options, number: signal.Signals
) -> None:
    stack = Stack(options, plan=stand_ins)

    async def job(up: Stack, ending: asyncio.Event) -> int:
        assert up.alive("gateway")
        os.kill(os.getpid(), number)
        await ending.wait()
        return 0

    assert await session(stack, job) == 0
    assert nothing_is_left(stack)


async def test_a_signal_while_it_starts_ends_everything_too(options: Options) -> None:
    def say(sentence: str) -> None:
        if "services" in sentence:
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)

    async def never(_: Stack, ending: asyncio.Event) -> int:
        raise AssertionError(ending)

    stack = Stack(options, plan=stand_ins, say=say)
    assert await session(stack, never) == INTERRUPTED
    assert nothing_is_left(stack)


async def test_a_taken_port_is_told_before_anything_starts(
    options: Options, taken_port: int
) -> None:
    stack = Stack(replace(options, port=taken_port), plan=stand_ins)
    with pytest.raises(DevstackError, match=rf"Port {taken_port} .* is in use: end the program"):
        await stack.up()
    assert stack.parts == {}
    assert nothing_is_left(stack)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"broker": "127.0.0.1:1"}, "No Kafka answers at 127.0.0.1:1: start it"),
        (
            {"database": "postgresql://u:secret@127.0.0.1:1/d"},
            "No PostgreSQL lets us in at 127.0.0.1:1/d: start it",
        ),
        ({"members": Path("/nowhere.csv")}, "There is no file /nowhere.csv: name a CSV file"),
    ],
)
async def test_what_you_name_must_be_there(
    options: Options, wrong: dict[str, str | Path], sentence: str
) -> None:
    with pytest.raises(DevstackError) as caught:
        await Stack(replace(options, **wrong), plan=stand_ins).up()  # type: ignore[arg-type]
    assert str(caught.value).startswith(sentence)
    assert "secret" not in str(caught.value)


async def test_no_space_is_told_before_anything_starts(options: Options) -> None:
    stack = Stack(options, free=lambda _: 0, plan=stand_ins)
    with pytest.raises(DevstackError, match="Only 0 MiB are free"):
        await stack.up()
    assert stack.parts == {}
