"""What an operator sets for calls: failures, latency, spoilt answers, late commits, pages."""

import asyncio
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.spoilt import ConnectionDroppedError

SIM = "http://org.test/_sim/"
CONTACTS = "sobjects/Contact"


async def ask(api: httpx.AsyncClient, name: str, **body: object) -> None:
    answer = await api.post(SIM + name, json=body)
    assert answer.status_code == 204, answer.text


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("fail", {"status": 200}, "status"),
        ("fail", {"count": "x"}, "count"),
        ("fail", {"colour": "red"}, "colour"),
        ("latency", {}, "ms"),
        ("latency", {"least_ms": 5, "most_ms": 2}, "most_ms"),
        ("answers", {"fault": "explode"}, "fault"),
        ("late-commits", {"seconds": -1}, "seconds"),
        ("page-size", {"least": 1}, "least"),
        ("locks", {}, "ids"),
        ("record-failures", {"count": True}, "count"),
        ("limits", {"max": 0}, "max"),
        ("clock", {"now": "yesterday"}, "now"),
        ("clock", {}, "offset_seconds"),
        ("revoke", {"tokens": "some"}, "tokens"),
        ("schema", {"change": "add_field", "object": "a b"}, "object"),
        ("app", {"flows": ["magic"]}, "flows"),
        ("app", {"allowed_ips": ["home"]}, "allowed_ips"),
        ("counts", {}, "counts"),
    ],
)
async def test_a_setting_that_cannot_be_names_its_field(
    api: httpx.AsyncClient, name: str, body: dict[str, Any], field: str
) -> None:
    answer = await api.post(SIM + name, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert answer.json()["error"].startswith(f"{field}: ")


async def test_the_index_tells_every_setting_and_resets_all(api: httpx.AsyncClient) -> None:
    before = (await api.get("http://org.test/_sim")).json()
    await ask(api, "fail", count=9)
    await ask(api, "page-size", least=300, most=400)
    await ask(api, "limits", max=7)
    assert (await api.get("http://org.test/_sim")).json() != before
    assert (await api.delete("http://org.test/_sim")).status_code == 204
    assert (await api.get("http://org.test/_sim")).json() == before


async def test_an_unknown_setting_and_a_body_that_is_no_json_are_told(
    api: httpx.AsyncClient,
) -> None:
    assert "late-commits" in (await api.get(SIM + "weather")).json()["error"]
    answer = await api.post(SIM + "fail", content=b"{")
    assert (answer.status_code, answer.json()["field"]) == (400, "body")


async def test_failures_meet_only_the_calls_that_are_meant(api: httpx.AsyncClient) -> None:
    await ask(api, "fail", count=1, status=500, method="post", path="sobjects/*", client="Tests")
    other = {"Sforce-Call-Options": "client=Other"}
    assert (await api.get("limits")).status_code == 200
    answer = await api.post(CONTACTS, json={"LastName": "x"}, headers=other)
    assert answer.status_code == 201
    answer = await api.post(CONTACTS, json={"LastName": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (500, "UNKNOWN_EXCEPTION")
    assert (await api.get(SIM + "fail")).json() == {"rules": []}


async def test_a_failure_can_have_any_code_and_message(api: httpx.AsyncClient) -> None:
    await ask(api, "fail", status=400, code="QUERY_TIMEOUT", message="too long", kind="query")
    state = (await api.get(SIM + "fail")).json()["rules"]
    assert state == [
        {
            "kind": "query",
            "status": 400,
            "code": "QUERY_TIMEOUT",
            "message": "too long",
            "left": 1,
        }
    ]
    answer = await api.get("query", params={"q": "SELECT Id FROM Contact"})
    assert answer.json() == [{"message": "too long", "errorCode": "QUERY_TIMEOUT"}]


async def test_oauth_calls_fail_only_when_they_are_named(
    api: httpx.AsyncClient, server: Server
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": server.identity.client_id,
        "client_secret": server.identity.client_secret,
    }
    token = "http://org.test/services/oauth2/token"
    await ask(api, "fail", count=1)
    assert (await api.post(token, data=form)).status_code == 200
    await ask(api, "fail", count=1, kind="oauth/token", code="rate_limit_exceeded", status=400)
    answer = await api.post(token, data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "rate_limit_exceeded")
    assert (await api.post(token, data=form)).status_code == 200


async def test_record_failures_come_inside_a_200(api: httpx.AsyncClient) -> None:
    """Facts §6: items fail by themselves."""
    await ask(api, "record-failures", count=2, object="Contact")
    records = [{"attributes": {"type": "Contact"}, "LastName": str(n)} for n in range(3)]
    answer = await api.post("composite/sobjects", json={"records": records})
    assert answer.status_code == 200
    assert [one["success"] for one in answer.json()] == [False, False, True]
    assert answer.json()[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


async def test_a_locked_row_cannot_be_written_until_it_is_let_go(api: httpx.AsyncClient) -> None:
    """Facts §2: UNABLE_TO_LOCK_ROW names the record."""
    made = (await api.post(CONTACTS, json={"LastName": "x"})).json()["id"]
    await ask(api, "locks", ids=[made[:15]])
    answer = await api.patch(f"{CONTACTS}/{made}", json={"LastName": "y"})
    [error] = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    assert made in error["message"]
    assert (await api.get(SIM + "locks")).json() == {"ids": {made: None}}
    await api.delete(SIM + "locks")
    assert (await api.patch(f"{CONTACTS}/{made}", json={"LastName": "y"})).status_code == 204


async def test_a_dropped_answer_leaves_the_write_done(api: httpx.AsyncClient) -> None:
    await ask(api, "answers", fault="drop")
    with pytest.raises(ConnectionDroppedError):
        await api.post(CONTACTS, json={"LastName": "Dropped"})
    assert await count(api, "Dropped") == 1


async def count(api: httpx.AsyncClient, name: str) -> int:
    query = f"SELECT COUNT() FROM Contact WHERE LastName = '{name}'"  # noqa: S608 - SOQL of a test
    return int((await api.get("query", params={"q": query})).json()["totalSize"])


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"fault": "html", "status": 502}, 502, "text/html; charset=utf-8"),
        ({"fault": "content_type", "content_type": "text/plain"}, 200, "text/plain"),
        ({"fault": "redirect", "location": "https://other.example/"}, 302, None),
    ],
)
async def test_answers_come_as_a_proxy_spoils_them(
    api: httpx.AsyncClient, body: dict[str, Any], status: int, kind: str | None
) -> None:
    await ask(api, "answers", **body)
    answer = await api.get("limits")
    assert (answer.status_code, answer.headers.get("content-type")) == (status, kind)
    assert (await api.get("limits")).json()["DailyApiRequests"]


async def test_half_an_answer_is_promised_whole(api: httpx.AsyncClient) -> None:
    await ask(api, "answers", fault="truncate")
    answer = await api.get("limits", headers={"Accept-Encoding": "identity"})
    assert len(answer.content) == int(answer.headers["content-length"]) // 2


async def test_a_late_commit_is_seen_after_its_stamp(
    api: httpx.AsyncClient,
    server: Server,
    clock: Any,  # noqa: ANN401 - a fixture of conftest
) -> None:
    """Facts §10: stamps are set at the write, rows are seen only at the commit."""
    await ask(api, "late-commits", seconds=0.3)
    stamp = clock.time
    slow = asyncio.create_task(api.post(CONTACTS, json={"LastName": "Slow"}))
    while not len(server.org.transactions):  # noqa: ASYNC110 - the org tells nobody
        await asyncio.sleep(0.01)
    clock.pass_seconds(60)
    assert server.org.transactions.earliest() == stamp
    await api.post(CONTACTS, json={"LastName": "Quick"})
    assert (await count(api, "Slow"), await count(api, "Quick")) == (0, 1)
    assert (await slow).status_code == 201
    assert server.org.transactions.earliest() is None
    query = (
        "SELECT LastName FROM Contact WHERE LastName IN ('Slow', 'Quick') ORDER BY SystemModstamp"
    )
    found = (await api.get("query", params={"q": query})).json()["records"]
    assert [one["LastName"] for one in found] == ["Slow", "Quick"]


async def test_reads_are_never_late(api: httpx.AsyncClient) -> None:
    await ask(api, "late-commits", seconds=600)
    ids = {"ids": ["003dM0000000001AAA"], "fields": ["Id"]}
    assert (await api.post("composite/sobjects/Contact", json=ids)).status_code == 200
    assert (await api.get("limits")).status_code == 200
    assert (await api.get(SIM + "late-commits")).json()["rules"][0]["left"] == 1


async def test_pages_have_the_size_that_is_asked_for(api: httpx.AsyncClient) -> None:
    """Facts §3: the batch size is a hint; real pages vary."""
    for _ in range(2):
        records = [{"attributes": {"type": "Contact"}, "LastName": "p"} for _ in range(200)]
        await api.post("composite/sobjects", json={"records": records})
    await ask(api, "page-size", least=200, most=200)
    page = (await api.get("query", params={"q": "SELECT Id FROM Contact"})).json()
    assert (len(page["records"]), page["done"]) == (200, False)


async def test_latency_is_told_and_taken_back(api: httpx.AsyncClient) -> None:
    await ask(api, "latency", least_ms=1, most_ms=2, kind="limits")
    [rule] = (await api.get(SIM + "latency")).json()["rules"]
    assert (rule["kind"], rule["least_ms"], rule["most_ms"]) == ("limits", 1, 2)
    assert (await api.get("limits")).status_code == 200
    await ask(api, "latency", ms=0, kind="limits")
    assert (await api.get(SIM + "latency")).json() == {"rules": []}
