"""Limits, counts and faults."""

import httpx
import pytest

from crmlink_salesforce_sim.app import create_app
from crmlink_salesforce_sim.oauth.server import Server


async def test_versions_start_at_31_and_need_no_session(web: httpx.AsyncClient) -> None:
    """Facts §0: 36 rows, ascending, recorded labels."""
    listed = (await web.get("/services/data")).json()
    assert len(listed) == 36
    assert listed[0] == {
        "label": "Summer '14",
        "url": "/services/data/v31.0",
        "version": "31.0",
    }
    assert (listed[-1]["label"], listed[-1]["version"]) == ("Spring '26", "66.0")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "INVALID_SESSION_ID"),
        ("Bearer nope", "INVALID_SESSION_ID"),
        ("Basic abc", "INVALID_AUTH_HEADER"),
    ],
)
async def test_without_a_session_nothing_is_told(
    web: httpx.AsyncClient, header: str | None, code: str
) -> None:
    """Facts §2: 401."""
    headers = {"Authorization": header} if header else {}
    answer = await web.get("/services/data/v59.0/limits", headers=headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, code)


async def test_usage_is_told_on_every_data_call(api: httpx.AsyncClient) -> None:
    """Facts §2 and §9: Sforce-Limit-Info, DailyApiRequests, Date."""
    await api.get("limits")
    answer = await api.get("limits")
    assert answer.headers["sforce-limit-info"] == "api-usage=2/100000"
    assert answer.json()["DailyApiRequests"] == {"Max": 100000, "Remaining": 99998}
    assert answer.headers["date"] == "Fri, 01 May 2026 07:25:37 GMT"
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"


async def test_a_spent_day_refuses_calls(api: httpx.AsyncClient, server: Server) -> None:
    """Facts §2: 403 REQUEST_LIMIT_EXCEEDED "TotalRequests Limit exceeded."."""
    server.org.usage.most = 1
    assert (await api.get("limits")).status_code == 200
    answer = await api.get("limits")
    assert answer.status_code == 403
    expected = {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    assert answer.json() == [expected]


async def test_an_address_that_is_too_long_is_refused(api: httpx.AsyncClient) -> None:
    """Facts §2: 414 over 16,384 bytes."""
    answer = await api.get("query", params={"q": "x" * 17_000})
    assert answer.status_code == 414


async def test_failures_asked_for_come_and_pass(api: httpx.AsyncClient) -> None:
    for wrong in ({"status": 200}, {"count": "x"}):
        assert (await api.post("http://org.test/_sim/fail", json=wrong)).status_code == 400
    fail = {"count": 2, "status": 503}
    assert (await api.post("http://org.test/_sim/fail", json=fail)).status_code == 204
    for _ in range(2):
        answer = await api.post("sobjects/Contact", json={"LastName": "x"})
        assert answer.status_code == 503
        assert answer.json()[0]["errorCode"] == "SERVER_UNAVAILABLE"
    assert (await api.post("sobjects/Contact", json={"LastName": "x"})).status_code == 201


async def test_writes_are_counted_by_object_and_by_caller(api: httpx.AsyncClient) -> None:
    made = (await api.post("sobjects/Contact", json={"LastName": "x"})).json()["id"]
    await api.post("sobjects/Contact", json={})
    await api.patch(f"sobjects/Contact/{made}", json={"LastName": "y"})
    await api.delete(f"sobjects/Contact/{made}")
    counts = (await api.get("http://org.test/_sim/counts")).json()
    once = {"created": 1, "updated": 1, "deleted": 1}
    assert counts["objects"] == {"Contact": once}
    assert counts["clients"] == {"Tests": {"Contact": once}}
    assert counts["calls"] == {"sobjects": 4}


async def test_revoking_ends_every_session(api: httpx.AsyncClient) -> None:
    assert (await api.get("limits")).status_code == 200
    await api.post("http://org.test/_sim/revoke")
    assert (await api.get("limits")).status_code == 401


async def test_the_control_is_closed_unless_opened(server: Server) -> None:
    transport = httpx.ASGITransport(create_app(server))
    async with httpx.AsyncClient(transport=transport, base_url="http://org.test") as web:
        assert (await web.get("/_sim/counts")).status_code == 404
        assert (await web.post("/_sim/revoke")).status_code in (404, 405)
