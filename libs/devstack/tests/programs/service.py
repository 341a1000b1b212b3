"""Stands in for a service: leaves a file when it migrates, is ready, or fails when told."""

from __future__ import annotations

import http.server
import os
import signal
import sys
from pathlib import Path

PREFIX, COMMAND = sys.argv[1:3]


class Answer(http.server.BaseHTTPRequestHandler):
    """Says that all is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def main() -> None:
    if os.environ.get(f"{PREFIX}FAILS"):
        sys.exit("told to fail")
    if COMMAND == "migrate":
        Path(os.environ[f"{PREFIX}MIGRATED"]).touch()
        return
    if not Path(os.environ[f"{PREFIX}MIGRATED"]).exists():
        sys.exit("served before it was migrated")
    if os.environ.get(f"{PREFIX}STUBBORN"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    port = int(os.environ[f"{PREFIX}PORT"])
    http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()


main()
