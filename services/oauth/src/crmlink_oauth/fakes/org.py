"""An org that answers like Salesforce's login."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from crmlink_oauth.domain.checks import READ, WRITTEN
from crmlink_oauth.domain.tokens import verifier_challenge

LOGIN = "https://login.salesforce.com"
INSTANCE = "https://acme.my.salesforce.com"
ORG_ID, USER_ID = "00Dx0000000BV7zEAG", "005x00000012Q9PAAU"
CLIENT_ID, CLIENT_SECRET = "app-1", "app-secret-1"


def an_object(*fields: str, **flags: bool) -> dict[str, Any]:
    """Give what Salesforce tells of an object that one may read and write."""
    may = {"createable": True, "updateable": True}
    rights = {"queryable": True, **may, **flags}
    return {**rights, "fields": [{"name": one, **may} for one in fields]}


OBJECTS = {name: an_object(*{*fields, *WRITTEN}) for name, fields in READ.items()}


@dataclass
class FakeOrg:
    """Salesforce's login and the few calls that oauth makes; ``on`` puts faults in its way."""

    rotates: bool = False
    repeats: bool = False  # a new sign-in is given the refresh token that is there already
    scope: str = "api refresh_token openid"
    instance_url: str = INSTANCE
    objects: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(OBJECTS))
    api_disabled: bool = False
    org_id: str = ORG_ID
    during: Callable[[str], None] = lambda _: None
    faults: dict[str, list[httpx.Response | Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new(self, kind: str) -> str:
        number = next(self._numbers)
        return f"{kind}-{number}-{hashlib.sha256(str(number).encode()).hexdigest()[:24]}"

    def allow(self, authorize_url: str) -> dict[str, str]:
        """Log in and click Allow: give what the browser brings back."""
        asked = parse_qs(urlsplit(authorize_url).query)
        code = self.new("code")
        self.codes[code] = asked["code_challenge"][0]
        return {"code": code, "state": asked["state"][0]}

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        form = {key: one[0] for key, one in parse_qs(request.content.decode()).items()}
        what = form.get("grant_type", path)
        self.calls.append(what)
        self.during(what)
        await asyncio.sleep(0)
        if self.faults.get(what):
            fault = self.faults[what].pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        if path == "/services/oauth2/token":
            return self.token(form)
        if path == "/services/oauth2/revoke":
            return self.revoke(form["token"])
        return self.data(path, request.headers.get("Authorization", ""))

    def token(self, form: dict[str, str]) -> httpx.Response:
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return refusal("invalid_client", "invalid client credentials")
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                return refusal("invalid_grant", "expired access/refresh token")
            return self._give(self._rotate(form["refresh_token"]))
        challenge = self.codes.pop(form["code"], None)
        if challenge is None:
            return refusal("invalid_grant", "expired authorization code")
        if challenge != verifier_challenge(form["code_verifier"]):
            return refusal("invalid_request", "invalid code verifier")
        return self._give(self._first() if "refresh_token" in self.scope else None)

    def _first(self) -> str:
        return next(iter(self.refresh)) if self.repeats else self.new("refresh")

    def _rotate(self, old: str) -> str | None:
        if not self.rotates:
            return None
        self.refresh.remove(old)
        return self.new("refresh")

    def _give(self, refresh_token: str | None) -> httpx.Response:
        told = {
            "access_token": self.new("access"),
            "instance_url": self.instance_url,
            "id": f"{LOGIN}/id/{self.org_id}/{USER_ID}",
            "issued_at": "1278448832702",
            "scope": self.scope,
            "token_type": "Bearer",
        }
        signed = (told["id"] + told["issued_at"]).encode()
        digest = hmac.new(CLIENT_SECRET.encode(), signed, hashlib.sha256).digest()
        told["signature"] = base64.b64encode(digest).decode()
        self.access.add(told["access_token"])
        if refresh_token:
            self.refresh.add(refresh_token)
            told["refresh_token"] = refresh_token
        return httpx.Response(200, json=told)

    def revoke(self, token: str) -> httpx.Response:
        known = token in self.refresh | self.access
        self.refresh.discard(token)
        self.access.discard(token)
        return httpx.Response(200) if known else refusal("invalid_token", "invalid token")

    def data(self, path: str, authorization: str) -> httpx.Response:
        if path == "/services/data":
            return httpx.Response(200, json=[{"version": "58.0"}, {"version": "59.0"}])
        if authorization.removeprefix("Bearer ") not in self.access:
            return httpx.Response(401, json=[{"errorCode": "INVALID_SESSION_ID"}])
        if path == "/services/oauth2/userinfo":
            who = {"organization_id": self.org_id, "user_id": USER_ID}
            return httpx.Response(200, json={**who, "preferred_username": "ada@acme.example"})
        if path.endswith("/describe") and not self.api_disabled:
            told = self.objects.get(path.split("/")[-2])
            missing = httpx.Response(404, json=[{"errorCode": "NOT_FOUND"}])
            return missing if told is None else httpx.Response(200, json=told)
        if self.api_disabled:
            return httpx.Response(403, json=[{"errorCode": "API_DISABLED_FOR_ORG"}])
        found = {"totalSize": 1, "done": True, "records": [{"Id": self.org_id, "Name": "Acme"}]}
        return httpx.Response(200, json=found, headers={"Sforce-Limit-Info": "api-usage=17/15000"})


def refusal(error: str, description: str) -> httpx.Response:
    return httpx.Response(400, json={"error": error, "error_description": description})
