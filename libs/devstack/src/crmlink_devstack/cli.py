"""The command line behind `make run` and `make clean`."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from crmlink_devstack import logs, state
from crmlink_devstack.errors import DevstackError
from crmlink_devstack.folders import run_folder
from crmlink_devstack.options import Options
from crmlink_devstack.stack import Stack
from crmlink_devstack.walk import Report, walk

app = typer.Typer(help="All of CRMLink on one machine.", no_args_is_help=True, add_completion=False)
console = Console(soft_wrap=True)
WRONG = 1
INTERRUPTED = 130
IMPATIENT = 1.0  # seconds after which a second Ctrl-C means: at once
Members = Annotated[Path | None, typer.Option(help="CSV file of members; default: a sample.")]
Broker = Annotated[str | None, typer.Option(help="host:port of a Kafka of yours.")]
Database = Annotated[str | None, typer.Option(help="postgresql://… of a PostgreSQL of yours.")]
Port = Annotated[int, typer.Option(help="Port of the gateway; 0 takes any that is free.")]
Seed = Annotated[int, typer.Option(help="Other sample data for another number.")]
Service = Annotated[str | None, typer.Argument(help="A part's or a service's name.")]


@app.command()
def run(  # noqa: PLR0917 - typer gives them by name
    members: Members = None,
    broker: Broker = None,
    database: Database = None,
    port: Port = 8080,
    seed: Seed = 1,
    once: Annotated[bool, typer.Option("--once", help="Stop when the walk ends.")] = False,  # noqa: FBT002 - typer
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
) -> None:
    """Start everything and walk through the main job; stay up until Ctrl-C."""
    options = Options(members=members, broker=broker, database=database, port=port, seed=seed)
    _finish(session(_stack(options), partial(_walk, once=once, file=report)))


@app.command()
def up(
    members: Members = None,
    broker: Broker = None,
    database: Database = None,
    port: Port = 8080,
    seed: Seed = 1,
) -> None:
    """Start everything and stay up until Ctrl-C."""
    options = Options(members=members, broker=broker, database=database, port=port, seed=seed)
    _finish(session(_stack(options), _stay))


@app.command()
def down() -> None:
    """Stop what runs from this folder, and what an ended run left behind."""
    ended = state.stop_stack(run_folder())
    console.print(f"Stopped {', '.join(ended)}." if ended else "Nothing was running.")


@app.command()
def status() -> None:
    """Tell which parts run."""
    found = state.read_state(run_folder())
    if found is None:
        console.print("Nothing is running.")
        raise typer.Exit(WRONG)
    console.print(f"{found.url} (pid {found.owner.pid})")
    for part in found.parts:
        mark = "runs" if part.find() else "ended"
        console.print(f"  {part.name:18} {mark:6} pid {part.pid:<8} port {part.port}")


@app.command(name="logs")
def show_logs(
    service: Service = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait for more.")] = False,  # noqa: FBT002 - typer
) -> None:
    """Show the logs of all parts, or of one, as one stream."""
    if follow:
        with suppress(KeyboardInterrupt):
            asyncio.run(_print_logs(service))
        return
    for log in logs.matching(run_folder(), service):
        for line in log.read_text(errors="replace").splitlines():
            typer.echo(f"{log.stem} | {line}")


async def _print_logs(service: str | None) -> None:
    async for line in logs.follow(run_folder(), service, from_start=True):
        typer.echo(line)


def _finish(session: Coroutine[Any, Any, int]) -> None:
    try:
        raise typer.Exit(asyncio.run(session))
    except DevstackError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(WRONG) from None


def _stack(options: Options) -> Stack:
    return Stack(options, say=console.print)


async def session(stack: Stack, job: Callable[[Stack, asyncio.Event], Awaitable[int]]) -> int:
    """Bring the stack up, do the job until a signal comes, and leave nothing running.

    The job is given the event that a signal sets. Returns the exit code.
    """
    ending = asyncio.Event()
    _end_on_signals(stack, ending)
    if not await until(ending, stack.up()):
        return INTERRUPTED
    watching = asyncio.create_task(_announce_deaths(stack))
    try:
        return await job(stack, ending)
    finally:
        watching.cancel()
        console.print("Stopping")
        if killed := await stack.down():
            console.print(f"Killed, for they did not stop when told: {', '.join(killed)}.")


def _end_on_signals(stack: Stack, ending: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    first: list[float] = []

    def asked() -> None:
        if not first:
            first.append(loop.time())
            ending.set()
        elif loop.time() - first[0] > IMPATIENT:  # make passes a signal on a second time
            stack.kill_all()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked)


async def until(ending: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Do the work; cancel it and return False if the event comes first."""
    task, end = asyncio.create_task(work), asyncio.create_task(ending.wait())
    await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
    end.cancel()
    if task.done():
        await task
        return True
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return False


async def _stay(stack: Stack, ending: asyncio.Event) -> int:
    _tell_address(stack)
    await ending.wait()
    return 0


async def _walk(stack: Stack, ending: asyncio.Event, *, once: bool, file: Path | None) -> int:
    seen: list[Report] = []

    def told(report: Report) -> None:
        seen.append(report)
        report.show(console)
        if file:
            file.write_text(json.dumps(report.as_json(), indent=2) + "\n")
        if not once:
            _tell_address(stack)

    aborted = asyncio.create_task(ending.wait())
    walking = asyncio.create_task(
        walk(stack.surfaces(), console, told=told, stay=None if once else ending)
    )
    await asyncio.wait({walking, aborted}, return_when=asyncio.FIRST_COMPLETED)
    aborted.cancel()
    if not seen and not walking.done():
        walking.cancel()
        with suppress(asyncio.CancelledError):
            await walking
        return INTERRUPTED
    return 0 if (await walking).ok else WRONG


async def _announce_deaths(stack: Stack) -> None:
    told: set[str] = set()
    while True:
        for name in set(stack.died()) - told:
            told.add(name)
            console.print(f"[red]{name} has ended by itself[/]: see {stack.log(name)}")
        await asyncio.sleep(1)


def _tell_address(stack: Stack) -> None:
    surfaces, folder = stack.surfaces(), stack.options.folder
    console.print(f"Console: {surfaces.console}")
    console.print(f"Its key is bootstrap_key in {folder / 'secrets.json'}")
    console.print(f"The org: {surfaces.org_url}; its user is in {folder / 'salesforce/org.json'}")
    console.print("Logs: .venv/bin/python -m crmlink_devstack logs -f. Ctrl-C stops everything.")
