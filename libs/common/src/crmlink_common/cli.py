"""The command line of whoever runs CRMLink: ``crmlink members import FILE``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from crmlink_common.errors import CrmLinkError, InvalidInputError
from crmlink_common.members.files import Imported, read_members
from crmlink_common.members.publish import publish_members

SHOWN_FAULTS = 20
OK, REFUSED, UNREACHABLE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 all is well, 1 something in the input is wrong, 2 no Kafka."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it says, we say once
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except InvalidInputError as exc:
        _say(f"{exc} {exc.cure or ''}".strip())
        return REFUSED
    except CrmLinkError as exc:
        _say(f"{exc}. Nothing is lost by running it again.")
        return UNREACHABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="crmlink", description="Operate CRMLink.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    members = commands.add_parser("members", help="members of a workspace")
    actions = members.add_subparsers(required=True, metavar="ACTION")
    load = actions.add_parser("import", help="publish the members of a CSV or JSON lines file")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--bootstrap", default=os.environ.get("KAFKA_BOOTSTRAP"), metavar="B")
    load.add_argument("--workspace", required=True, metavar="W")
    load.add_argument(
        "--version", type=int, help="of rows that have none; default: the file's time"
    )
    load.add_argument("--check", action="store_true", help="read and report, publish nothing")
    load.set_defaults(run=_import_members)
    return parser


def _import_members(arguments: argparse.Namespace) -> int:
    if not arguments.check and not arguments.bootstrap:
        raise InvalidInputError("No Kafka to publish to.", cure="Give --bootstrap host:port.")
    imported = read_members(arguments.file, arguments.workspace, version=arguments.version)
    _report(imported)
    if not arguments.check:
        sent = asyncio.run(publish_members(arguments.bootstrap, imported.members))
        sys.stdout.write(f"{sent} members published.\n")
    return REFUSED if imported.faults else OK


def _report(imported: Imported) -> None:
    for fault in imported.faults[:SHOWN_FAULTS]:
        _say(str(fault))
    refused = len(imported.faults) + imported.more_faults
    if refused > SHOWN_FAULTS:
        _say(f"... and {refused - SHOWN_FAULTS} more.")
    sys.stdout.write(f"{len(imported.members)} members read, {refused} rows left out.\n")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
