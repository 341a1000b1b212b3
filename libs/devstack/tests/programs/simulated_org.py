"""Stands in for the simulated org: tells its credentials, then answers."""

from __future__ import annotations

import http.server
import json
import sys

PORT = int(sys.argv[1])


class Answer(http.server.BaseHTTPRequestHandler):
    """Says that all is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


told = {"url": f"http://127.0.0.1:{PORT}", "client_id": "id", "client_secret": "not-in-a-log"}
sys.stdout.write(json.dumps(told | {"username": "u", "password": "p", "more": 1}) + "\n")
sys.stdout.flush()
http.server.HTTPServer(("127.0.0.1", PORT), Answer).serve_forever()
