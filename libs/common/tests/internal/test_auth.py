from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from fastapi import FastAPI
from pydantic import SecretStr

from crmlink_common.internal.auth import (
    CLOCK_SKEW,
    LIFETIME,
    CallerRefusedError,
    Callers,
    CallerUnknownError,
    Signer,
    new_key_pair,
    open_internal,
    trusted_keys,
)
from crmlink_common.internal.problems import install_problem_handlers

Opener: TypeAlias = Callable[[Signer], httpx.AsyncClient]
GATEWAY, STRANGER = new_key_pair(), new_key_pair()
CALLERS = Callers("oauth", {"gateway": GATEWAY[1]})


def a_signer(
    service: str = "gateway", pair: tuple[str, str] = GATEWAY, age: timedelta = timedelta(0)
) -> Signer:
    return Signer(service, SecretStr(pair[0]), now=lambda: datetime.now(UTC) - age)


def claims(**changed: object) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    told = {"iss": "gateway", "aud": "oauth", "iat": now, "exp": now + 60}
    return {name: value for name, value in (told | changed).items() if value is not None}


def signed(told: dict[str, Any]) -> str:
    key = load_pem_private_key(base64.b64decode(GATEWAY[0]), password=None)
    return jwt.PyJWS().encode(json.dumps(told).encode(), key, algorithm="EdDSA")  # type: ignore[arg-type]


def test_a_caller_is_known_by_its_signature() -> None:
    assert CALLERS.identify(f"Bearer {a_signer().token('oauth')}") == "gateway"
    assert CALLERS.identify(f"bearer {a_signer().token('oauth')}") == "gateway"


def test_clocks_may_differ_a_little_and_no_more() -> None:
    slow = a_signer(age=timedelta(seconds=80)).token("oauth")
    assert CALLERS.identify(f"Bearer {slow}") == "gateway"
    with pytest.raises(CallerUnknownError):
        CALLERS.identify(f"Bearer {a_signer(age=timedelta(seconds=95)).token('oauth')}")


@pytest.mark.parametrize(
    "token",
    [
        a_signer(age=timedelta(hours=1)).token("oauth"),
        a_signer(age=timedelta(hours=-1)).token("oauth"),
        a_signer().token("tools"),
        a_signer("reconciler").token("oauth"),
        a_signer(pair=STRANGER).token("oauth"),
        jwt.encode(claims(), None, algorithm="none"),  # type: ignore[arg-type]
        jwt.encode(claims(), GATEWAY[1] * 2, algorithm="HS256"),  # the public key as a secret
        signed(claims(exp=int(datetime.now(UTC).timestamp()) + 3600)),
        signed(claims(exp=None)),
        signed(claims(iat=None)),
        signed(claims(aud=None)),
        signed(claims(iss=None)),
        signed(claims(iss=["gateway"])),
        signed(claims(aud=["tools", "gateway"])),
        "a.b.c",
        "...",
        "x" * 10_000,
    ],
    ids=[
        *("expired", "from the future", "for another", "unknown issuer", "another's key"),
        *(
            "unsigned",
            "public key as secret",
            "a long life",
            "no end",
            "no time",
            "no audience",
            "no issuer",
        ),
        *("issuer a list", "audience a list", "no json", "empty parts", "no token"),
    ],
)
def test_any_other_token_is_nobodys(token: str) -> None:
    with pytest.raises(CallerUnknownError):
        CALLERS.identify(f"Bearer {token}")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "token"])
def test_without_a_bearer_token_nobody_is_known(header: str) -> None:
    with pytest.raises(CallerUnknownError):
        CALLERS.identify(header)


def test_keys_of_another_kind_are_refused() -> None:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(TypeError):
        Signer("gateway", SecretStr(base64.b64encode(pem).decode()))
    with pytest.raises((TypeError, ValueError)):
        Callers("oauth", {"gateway": GATEWAY[0]})


def test_trusted_keys_are_read_from_json() -> None:
    assert trusted_keys(json.dumps({"gateway": GATEWAY[1]})) == {"gateway": GATEWAY[1]}
    with pytest.raises(TypeError):
        trusted_keys("[]")


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_while_a_key_is_changed_both_are_trusted(order: list[int]) -> None:
    pairs = [GATEWAY, STRANGER]
    told = json.dumps({"gateway": [pairs[number][1] for number in order]})
    both = Callers("oauth", trusted_keys(told))
    for pair in pairs:
        assert both.identify(f"Bearer {a_signer(pair=pair).token('oauth')}") == "gateway"
    for other in (new_key_pair(), ("", "")):
        token = a_signer(pair=other).token("oauth") if other[0] else "a.b.c"
        with pytest.raises(CallerUnknownError):
            both.identify(f"Bearer {token}")
    late = a_signer(pair=pairs[order[0]], age=timedelta(hours=1)).token("oauth")
    with pytest.raises(CallerUnknownError):
        both.identify(f"Bearer {late}")


@pytest.mark.parametrize("told", [[], ["a", "b", "c"], [1], 1, None, {}])
def test_no_key_or_many_or_something_else_is_no_setting(told: object) -> None:
    with pytest.raises(TypeError):
        trusted_keys(json.dumps({"gateway": told}))


def test_an_overheard_token_is_good_for_a_minute_and_a_half_at_most() -> None:
    heard = f"Bearer {a_signer().token('oauth')}"
    assert [CALLERS.identify(heard) for _ in range(2)] == ["gateway", "gateway"]
    assert timedelta(seconds=90) == LIFETIME + CLOCK_SKEW


def an_app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    callers = Callers("oauth", {"gateway": GATEWAY[1], "tools": STRANGER[1]})

    @app.get("/")
    async def who(caller: str = callers.required("gateway")) -> str:
        return caller

    return app


@pytest.fixture
async def as_service() -> AsyncIterator[Opener]:
    opened: list[httpx.AsyncClient] = []

    def client(signer: Signer) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(an_app())
        opened.append(open_internal("http://oauth", signer, "oauth", transport=transport))
        return opened[-1]

    yield client
    for one in opened:
        await one.aclose()
    assert all(one.is_closed for one in opened)


async def test_an_allowed_caller_comes_in(as_service: Opener) -> None:
    answer = await as_service(a_signer()).get("/")
    assert (answer.status_code, answer.json()) == (200, "gateway")


async def test_a_known_caller_without_the_right_is_refused(as_service: Opener) -> None:
    answer = await as_service(a_signer("tools", STRANGER)).get("/")
    assert (answer.status_code, answer.json()["code"]) == (403, CallerRefusedError.code)


async def test_an_unknown_caller_is_told_nothing_more(as_service: Opener) -> None:
    answer = await as_service(a_signer("gateway", STRANGER)).get("/")
    assert (answer.status_code, answer.json()["code"]) == (401, CallerUnknownError.code)
