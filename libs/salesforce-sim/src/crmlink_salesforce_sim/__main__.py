"""`python -m crmlink_salesforce_sim`: serve one org until told to stop."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import uvicorn

from crmlink_salesforce_sim import describe_from
from crmlink_salesforce_sim.app import create_app
from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.closing import closable
from crmlink_salesforce_sim.errors import StartError
from crmlink_salesforce_sim.faults import Faults
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.options import Options, read_options
from crmlink_salesforce_sim.times import utc_now
from crmlink_salesforce_sim.tls import Files, certificates

DESCRIBE_FROM = "describe-from"
STOP_SECONDS = 5
KEEP_SECONDS = 75  # longer than clients keep an idle connection, so that none meets a closed one
BACKLOG = 512


class _Quiet(uvicorn.Server):
    """Leaves signals to us: stopping on request is no failure."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; return 1 with one clear sentence when that cannot start."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [DESCRIBE_FROM]:
        return describe_from.main(given[1:])
    options = read_options(given)
    try:
        listening = _listen(options)
        files = certificates(options.tls, utc_now()) if options.tls else None
        server = build(options)
    except StartError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    try:
        asyncio.run(_serve(server, options, listening, files))
    finally:
        server.org.close()
    return 0


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named: 40 ms a call otherwise
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((options.host, options.port))
        listening.listen(BACKLOG)
    except OSError as exc:
        listening.close()
        cure = f"Port {options.port} on {options.host} is not free ({exc.strerror}):"
        raise StartError(f"{cure} stop what uses it, or give another --port.") from exc
    return listening


def _url(options: Options, listening: socket.socket) -> str:
    scheme = "https" if options.tls else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def _announce(server: Server, url: str, files: Files | None) -> None:
    identity = asdict(server.identity)
    names = ("client_id", "client_secret", "username", "password")
    told = {"url": url, **{name: identity[name] for name in names}}
    told["ca"] = str(files.ca) if files else None
    if sys.stderr.isatty():  # anywhere else it ends in a log, where no secret belongs
        sys.stderr.write("\nA Salesforce org for practice is running.\n")
        for name, value in {**told, "setup": f"{url}/setup"}.items():
            sys.stderr.write(f"  {name:<14} {value or '-'}\n")
        sys.stderr.write("\n")
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def _serve(
    server: Server, options: Options, listening: socket.socket, files: Files | None
) -> None:
    faults = Faults()
    config = uvicorn.Config(
        closable(create_app(server, control=options.control, faults=faults)),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_keep_alive=KEEP_SECONDS,
        ssl_certfile=str(files.certificate) if files else None,
        ssl_keyfile=str(files.key) if files else None,
    )
    web = _Quiet(config)

    def stop() -> None:
        web.should_exit = True
        faults.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    _announce(server, _url(options, listening), files)  # a reader may stop us from here on
    await web.serve(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main())
