"""Whatever a browser brings to the callback: a page or a problem, and nothing of it comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlink_gateway.domain.callback import LONGEST, LONGEST_COOKIE, cookie_of
from crmlink_gateway.fakes import API, OTHER, WORKSPACE, FakeGateway, a_gateway, overview

MOST = {**LONGEST, "browser_token": LONGEST_COOKIE}
SENT = tuple(MOST)
MINE = cookie_of("s").encode()  # the cookie of the state "s"
REFUSED = {
    "ok": False,
    "code": "state_unknown",
    "message": "This sign-in was not begun here.",
    "cure": "Click Connect with Salesforce to start again.",
    "overview": overview(),
}
FEW = settings(max_examples=80, deadline=None)  # the machine may be busy


@dataclass(slots=True)
class Shown:
    """What the browser gets."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@pytest.fixture(scope="module")
def gateway() -> FakeGateway:
    gateway = a_gateway()
    gateway.services.on("oauth", "POST", "/callback", (200, REFUSED))
    return gateway


async def shown(
    gateway: FakeGateway, query: bytes, cookie: bytes = b"", path: str = API, end: str = "callback"
) -> Shown:
    """Ask with bytes that no well-behaved client would send."""
    told = Shown()
    whole = f"{path}/oauth/{end}"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": whole,
        "raw_path": whole.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"crm.example"), *([(b"cookie", cookie)] if cookie else [])],
        "client": ("203.0.113.9", 1),
        "server": ("crm.example", 443),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's
        if message["type"] == "http.response.start":
            told.status = message["status"]
            told.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            told.body += message.get("body", b"")

    await gateway.app(scope, receive, send)
    return told


def is_harmless(answer: Shown, *planted: bytes) -> None:
    """Check what holds for every answer to a callback that is not ours."""
    assert answer.status in {400, 404, 422}
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in {"text/html", "application/problem+json"}
    assert "location" not in answer.headers
    assert b"close.js" not in answer.body
    assert "set-cookie" not in answer.headers
    for text in planted:
        for form in (text, unquote_to_bytes(text), quote_from_bytes(text).encode()):
            assert form not in answer.body
            assert form not in repr(answer.headers).encode()


def sent_texts_are_bounded(gateway: FakeGateway) -> None:
    """Check what went to oauth: five texts and nothing else."""
    for part, method, path, body in gateway.services.asked:
        assert (part, method, path) == ("oauth", "POST", "/callback")
        assert tuple(body) == SENT
        assert all(len(body[name]) <= MOST[name] for name in SENT)


MARK = b"zQ7mark"
VALUES = st.one_of(
    st.binary(max_size=40).map(lambda raw: quote_from_bytes(raw).encode()),
    st.binary(max_size=40).map(lambda raw: raw.replace(b"&", b"").replace(b"#", b"")),
    st.text(max_size=40)
    .map(lambda text: quote_from_bytes(text.encode("utf-8", "surrogatepass")))
    .map(str.encode),
    st.sampled_from([b"%", b"%zz", b"%00", b"%0d%0aSet-Cookie:%20a=b", b"+", b"%ff%fe", b"[]"]),
)
NAMES = st.one_of(
    st.sampled_from([b"state", b"code", b"error", b"error_description", b"state[]", b"STATE"]),
    st.sampled_from([b"browser_token", b"workspace", b"redirect_uri", b"error_uri", b"id_token"]),
    st.binary(max_size=10).map(lambda raw: quote_from_bytes(raw).encode()),
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@FEW
@given(PAIRS, st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")))
async def test_any_query_and_any_cookie_end_in_a_page_that_shows_none_of_it(
    gateway: FakeGateway, pairs: list[tuple[bytes, bytes]], cookie: bytes
) -> None:
    gateway.services.asked.clear()
    query = b"&".join(name + b"=" + MARK + value for name, value in pairs)
    answer = await shown(gateway, query, MINE + b"=" + MARK + cookie)
    is_harmless(answer, MARK)
    sent_texts_are_bounded(gateway)


@FEW
@given(st.binary(max_size=200))
async def test_any_bytes_for_a_query_end_in_a_page(gateway: FakeGateway, query: bytes) -> None:
    gateway.services.asked.clear()
    is_harmless(await shown(gateway, query))
    sent_texts_are_bounded(gateway)


SCRIPT = b"%3Cscript%3Ealert(1)%3C/script%3E"
QUERIES = {
    "a script as state": b"state=" + SCRIPT,
    "a script as an error": b"state=s&error=" + SCRIPT + b"&error_description=" + SCRIPT,
    "a template": b"state={{7*7}}&error={%25+for+x+in+y+%25}",
    "a huge state": b"state=" + b"a" * 5_000,
    "a huge code": b"state=s&code=" + b"c" * 60_000,
    "a huge description": b"state=s&error=access_denied&error_description=" + b"d" * 60_000,
    "five thousand parameters": b"&".join(b"x%d=1" % n for n in range(5_000)),
    "a null": b"state=%00&code=%00",
    "half a character": b"state=%c3&code=%e2%82",
    "a lone surrogate": b"state=%ed%a0%80",
    "line breaks": b"state=a%0d%0aX-Injected:%201&code=b%0d%0a%0d%0a",
    "an address": b"state=s&redirect_uri=https://evil.example&code=c&returnTo=//evil.example",
    "an array": b"state[]=s&state[0]=t&code[a]=b",
    "nothing": b"",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
async def test_a_hostile_query_ends_in_a_page(gateway: FakeGateway, query: bytes) -> None:
    gateway.services.asked.clear()
    answer = await shown(gateway, query, MINE + b"=" + b"v" * 20)
    is_harmless(answer, b"<script>", b"X-Injected", b"evil.example", b"vvvv")
    sent_texts_are_bounded(gateway)


COOKIES = {
    "huge": MINE + b"=" + b"a" * 9_000,
    "doubled": MINE + b"=one; " + MINE + b"=two",
    "binary": MINE + b"=\x00\xff\xfe",
    "quoted": MINE + b'="a\\"b;c"',
    "of another name": b"crmlink_session=x; crmlink_oauth_=y",
    "no cookie at all": b";;=;==;",
}


@pytest.mark.parametrize("cookie", COOKIES.values(), ids=list(COOKIES))
async def test_a_hostile_cookie_ends_in_a_page(gateway: FakeGateway, cookie: bytes) -> None:
    gateway.services.asked.clear()
    is_harmless(await shown(gateway, b"state=s&code=c", cookie))
    sent_texts_are_bounded(gateway)


@pytest.mark.parametrize("name", [*LONGEST])
async def test_a_parameter_that_is_there_twice_asks_oauth_for_nothing(
    gateway: FakeGateway, name: str
) -> None:
    gateway.services.asked.clear()
    query = f"state=s&code=c&{name}=first&{name}=second".encode()
    is_harmless(await shown(gateway, query), b"first", b"second")
    assert gateway.services.asked == []


TICKETS = [b"", b"%00", b"%ff", b"t" * 129, b"t" * 50_000, b"a&ticket=b", b"%0d%0aLocation:%20//x"]


@pytest.mark.parametrize("ticket", TICKETS, ids=range(len(TICKETS)))
async def test_a_made_up_ticket_starts_nothing(gateway: FakeGateway, ticket: bytes) -> None:
    gateway.services.asked.clear()
    is_harmless(await shown(gateway, b"ticket=" + ticket, end="start"), b"ttttt")
    assert gateway.services.asked == []


PATHS = {
    "a workspace that is not there": API.replace(WORKSPACE, OTHER),
    "no workspace's id": API.replace(WORKSPACE, "..%2f..%2finternal"),
    "a path beside": API.replace(WORKSPACE, f"{WORKSPACE}/../{OTHER}"),
    "a script": API.replace(WORKSPACE, "<script>alert(1)</script>"),
    "a null": API.replace(WORKSPACE, f"{WORKSPACE}\x00"),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))
async def test_another_path_asks_oauth_for_nothing(gateway: FakeGateway, path: str) -> None:
    gateway.services.asked.clear()
    is_harmless(await shown(gateway, b"state=s&code=c", path=path), b"<script>")
    assert gateway.services.asked == []


@FEW
@given(
    code=st.text(max_size=40),
    message=st.text(max_size=80),
    cure=st.text(max_size=80),
)
async def test_what_a_page_says_is_text_and_never_markup(
    code: str, message: str, cure: str
) -> None:
    """Whatever a sentence of ours may come to hold."""
    gateway = FRESH
    mark = "<i onload='x'>\"&"
    told = {**REFUSED, "code": code + mark, "message": message + mark, "cure": cure + mark}
    gateway.services.on("oauth", "POST", "/callback", (200, told))
    answer = await shown(gateway, b"state=s")
    assert answer.status == 400
    assert b"<i onload" not in answer.body
    assert answer.body.count(b"<script") == 0


FRESH = a_gateway()
