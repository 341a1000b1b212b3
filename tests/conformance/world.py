"""An org as a process of its own over TLS, and a person's way to a token there."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

CALLBACK = "https://app.example/callback"
VERSION = "v59.0"
FEW = ["--accounts", "10", "--contacts", "60", "--leads", "20"]
STOP_SECONDS = 20
SCOPE = "api refresh_token openid id"
LASTING = "api openid id"  # no approval that a sixth one could end


@cache
def _trusting(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


@dataclass(frozen=True, slots=True)
class SimulatedOrg:
    """Where the org listens, whom it trusts, and which authority signed its certificate."""

    url: str
    client_id: str
    client_secret: str
    username: str
    password: str
    ca: str

    def trust(self) -> ssl.SSLContext:
        """Trust the org's own authority, and no other."""
        return _trusting(self.ca)

    def browser(self) -> httpx.Client:
        """Open a client without a token; the caller closes it."""
        return httpx.Client(base_url=self.url, verify=self.trust(), timeout=30, trust_env=False)


@dataclass(frozen=True, slots=True)
class Control:
    """The operator's side of the org, for faults and counts."""

    http: httpx.Client

    def tell(self, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        answer = self.http.post(f"/_sim/{path}", json=body or {})
        assert answer.is_success, f"/_sim/{path} answered {answer.status_code}"
        return answer.json() if answer.content else None

    def reset(self) -> None:
        """Take back all that was asked for; records stay."""
        self.http.delete("/_sim").raise_for_status()

    def counts(self) -> dict[str, Any]:
        told: dict[str, Any] = self.http.get("/_sim/counts").raise_for_status().json()
        return told


@contextmanager
def running_org(folder: Path, *arguments: str) -> Iterator[SimulatedOrg]:
    """Start an org in its own process; stop it at the end."""
    command = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", "--control"]
    command += ["--tls", str(folder), "--redirect-uri", CALLBACK, *FEW, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield SimulatedOrg(**{name: told[name] for name in SimulatedOrg.__slots__})
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=STOP_SECONDS)


def log_in(org: SimulatedOrg, scope: str = SCOPE) -> dict[str, Any]:
    """Walk the web server flow with PKCE as a person with a browser; return the token answer."""
    verifier = secrets.token_urlsafe(48)
    with org.browser() as browser:
        code = authorization_code(org, browser, verifier, scope=scope)
        answer = browser.post("/services/oauth2/token", data=code_form(org, code, verifier))
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def code_form(org: SimulatedOrg, code: str, verifier: str | None) -> dict[str, str]:
    """Return the form that exchanges a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "redirect_uri": CALLBACK,
    }
    return form | ({"code_verifier": verifier} if verifier is not None else {})


def challenge_of(verifier: str) -> str:
    """Return the PKCE challenge, method S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_code(
    org: SimulatedOrg, browser: httpx.Client, verifier: str | None, *, scope: str = SCOPE
) -> str:
    """Log in and allow; return the code."""
    query = parse_qs(urlsplit(authorize(org, browser, verifier, scope=scope)).query)
    return query["code"][0]


def authorize(
    org: SimulatedOrg,
    browser: httpx.Client,
    verifier: str | None,
    *,
    scope: str = SCOPE,
    decision: str = "allow",
    **more: str,
) -> str:
    """Go through login and decision; return where the browser is sent at last."""
    asked = {
        "response_type": "code",
        "client_id": org.client_id,
        "redirect_uri": CALLBACK,
        "scope": scope,
        **more,
    }
    if verifier is not None:
        asked |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    answer = browser.get("/services/oauth2/authorize", params=asked)
    if 'name="password"' in answer.text:
        start = re.search(r'name="startURL" value="([^"]*)"', answer.text)
        assert start is not None
        form = {"startURL": start[1].replace("&amp;", "&")}
        form |= {"username": org.username, "password": org.password}
        answer = browser.post("/login", data=form)
        answer = browser.get(answer.headers["location"])
    if (pending := re.search(r'name="request" value="([^"]*)"', answer.text)) is not None:
        form = {"request": pending[1], "decision": decision}
        answer = browser.post("/services/oauth2/authorize/decision", data=form)
    return str(answer.headers["location"])
