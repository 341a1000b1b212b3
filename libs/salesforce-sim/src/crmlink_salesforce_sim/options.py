"""The command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.oauth.settings import CODE_SECONDS, SESSION_SECONDS
from crmlink_salesforce_sim.org import DAILY_CALLS

USUAL = Amounts()
OBJECTS_HELP = "describe documents of more objects: a file or a folder; repeatable"


@dataclass(frozen=True)
class Options:
    """How an org is started."""

    port: int = 0
    host: str = "127.0.0.1"
    data: Path | None = None
    seed: int = 1
    amounts: Amounts = USUAL
    members_csv: Path | None = None
    tls: Path | None = None
    redirect_uris: tuple[str, ...] = ()
    control: bool = False
    daily_calls: int = DAILY_CALLS
    code_seconds: float = CODE_SECONDS
    session_seconds: float = SESSION_SECONDS
    rotate: bool = False
    objects: tuple[Path, ...] = ()
    person_accounts: bool = False


def read_options(arguments: Sequence[str]) -> Options:
    """Return the options; --help explains them."""
    found = _parser().parse_args(arguments)
    return Options(
        port=found.port,
        host=found.host,
        data=found.data,
        seed=found.seed,
        amounts=_amounts(found),
        members_csv=found.members_csv,
        tls=found.tls,
        redirect_uris=tuple(found.redirect_uri),
        control=found.control,
        daily_calls=found.daily_calls,
        code_seconds=found.code_seconds,
        session_seconds=found.session_seconds,
        rotate=found.rotate_refresh_tokens,
        objects=tuple(found.objects),
        person_accounts=found.person_accounts,
    )


def _amounts(found: argparse.Namespace) -> Amounts:
    return Amounts(**{one.name: getattr(found, one.name) for one in fields(Amounts)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m crmlink_salesforce_sim",
        description="A Salesforce org on your own machine.",
    )
    usual = Options()
    add = parser.add_argument
    add("--port", type=int, required=True, help="0 takes a free one")
    add("--host", default=usual.host)
    add("--data", type=Path, help="SQLite file kept between runs; in memory without it")
    add("--seed", type=int, default=usual.seed, help="the same seed makes the same org")
    for one in fields(Amounts):
        add(f"--{one.name.replace('_', '-')}", type=int, default=one.default)
    add("--objects", type=Path, action="append", default=[], metavar="FILE", help=OBJECTS_HELP)
    add("--person-accounts", action="store_true", help="an org that has Person Accounts")
    add("--members-csv", type=Path, help="members some generated records shall match")
    add("--tls", type=Path, metavar="DIR", help="serve https with a CA made in DIR")
    add("--redirect-uri", action="append", default=[], metavar="URL", help="repeatable")
    add("--control", action="store_true", help="open the control API /_sim")
    add("--daily-calls", type=int, default=usual.daily_calls, help="API calls in 24 hours")
    add("--code-seconds", type=float, default=usual.code_seconds, help="life of a code")
    add("--session-seconds", type=float, default=usual.session_seconds, help="of inactivity")
    add("--rotate-refresh-tokens", action="store_true", help="a refresh ends the token it used")
    return parser
