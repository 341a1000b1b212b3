"""The front door of the data API: sizes, encodings, media types, methods, headers, counting."""

import gzip
import json
import zlib
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.app import create_app
from crmlink_salesforce_sim.data import DataApi
from crmlink_salesforce_sim.faults import Asking, Faults
from crmlink_salesforce_sim.oauth.server import Server

CONTACTS = "sobjects/Contact"
JSON = {"Content-Type": "application/json"}


def packed_deflate_raw(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", packed_deflate_raw)],
    ids=["gzip", "deflate with a head", "deflate"],
)
async def test_request_bodies_may_be_packed(
    api: httpx.AsyncClient,
    encoding: str,
    pack: Any,  # noqa: ANN401 - a function of each library
) -> None:
    """Facts §2: Content-Encoding gzip or deflate."""
    body = pack(b'{"LastName": "x"}')
    headers = {**JSON, "Content-Encoding": encoding}
    assert (await api.post(CONTACTS, content=body, headers=headers)).status_code == 201


async def test_a_body_that_opens_to_too_much_is_refused(api: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 51_000_000, 1)
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = await api.post(CONTACTS, content=bomb, headers=headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (b"not packed", "gzip", 400),
        (gzip.compress(b'{"LastName": "x"}')[:-12], "gzip", 400),
        (b"{}", "br", 415),
    ],
    ids=["not packed", "cut short", "of another kind"],
)
async def test_a_body_that_is_not_what_it_says_is_refused(
    api: httpx.AsyncClient, content: bytes, encoding: str, status: int
) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    answer = await api.post(CONTACTS, content=content, headers=headers)
    assert answer.status_code == status


async def test_only_json_is_taken_and_csv_where_a_job_loads_it(api: httpx.AsyncClient) -> None:
    """Facts §2: 415."""
    for media in ("text/plain", "application/xml", "text/csv"):
        headers = {"Content-Type": media}
        answer = await api.post(CONTACTS, content=b"LastName=x", headers=headers)
        assert answer.status_code == 415
        assert answer.json()[0]["errorCode"] == "UNSUPPORTED_MEDIA_TYPE"
    assert (await api.post(CONTACTS, content=b'{"LastName": "x"}')).status_code == 201


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_half_a_character_is_no_text(api: httpx.AsyncClient, encoding: str) -> None:
    """Facts §2: JSON_PARSER_ERROR; a whole pair of surrogates is one character."""
    answer = await api.post(
        CONTACTS, content='{"LastName": "\\ud83d"}'.encode(encoding), headers=JSON
    )
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    whole = '{"LastName": "\\ud83d\\ude00"}'.encode(encoding)
    assert (await api.post(CONTACTS, content=whole, headers=JSON)).status_code == 201


async def test_headers_and_address_together_have_a_limit(api: httpx.AsyncClient) -> None:
    """Facts §2: 414 and 431 over 16,384 bytes."""
    headers = {"X-Much": "x" * 16_000}
    answer = await api.get("query", params={"q": "x" * 500}, headers=headers)
    assert answer.status_code == 431
    assert (await api.get("query", params={"q": "x" * 16_400})).status_code == 414


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "sobjects/Contact", {"GET", "POST"}),
        ("DELETE", "limits", {"GET"}),
        ("GET", "composite/graph", {"POST"}),
    ],
)
async def test_a_method_that_is_not_allowed_names_those_that_are(
    api: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    """Facts §2: 405 METHOD_NOT_ALLOWED."""
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert allowed <= set(answer.headers["allow"].split(", "))


async def test_a_post_can_stand_for_a_patch(api: httpx.AsyncClient) -> None:
    made = (await api.post(CONTACTS, json={"LastName": "x"})).json()["id"]
    body = {"LastName": "y"}
    answer = await api.post(f"{CONTACTS}/{made}", params={"_HttpMethod": "PATCH"}, json=body)
    assert answer.status_code == 204


async def test_answers_carry_the_headers_of_the_org(api: httpx.AsyncClient) -> None:
    """Facts §2: the recorded response headers."""
    answer = await api.get("limits")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["server"] == "sfdcedge"
    assert answer.headers["x-robots-tag"] == "none"
    assert answer.headers["x-sfdc-request-id"] == answer.headers["x-request-id"]
    expected = "no-cache,must-revalidate,max-age=0,no-store,private"
    assert answer.headers["cache-control"] == expected
    assert "retry-after" not in answer.headers


async def test_every_page_tells_the_time_of_the_org(web: httpx.AsyncClient) -> None:
    """Facts §2: Date."""
    for path in ("/services/data", "/login", "/id/keys", "/services/oauth2/token"):
        answer = await web.get(path)
        assert answer.headers.get_list("date") == ["Fri, 01 May 2026 07:25:37 GMT"]


async def test_long_answers_are_packed_when_the_caller_can_read_them(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.get("limits")
    assert answer.headers["content-encoding"] == "gzip"
    plain = await api.get("limits", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert set(plain.json()) == set(answer.json())


@pytest.mark.parametrize("scheme", ["Bearer", "OAuth", "bearer"])
async def test_both_schemes_carry_a_session(
    api: httpx.AsyncClient, server: Server, scheme: str
) -> None:
    token = server.tokens.approve(server.identity.user_id, "api").access
    answer = await api.get("limits", headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 200


async def test_a_session_without_the_api_scope_is_for_something_else(
    api: httpx.AsyncClient, server: Server
) -> None:
    token = server.tokens.approve(server.identity.user_id, "openid profile").access
    answer = await api.get("limits", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INVALID_SESSION_ID")


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("v30.0", 410, "UNSUPPORTED_API_VERSION"),
        ("v7.0", 410, "UNSUPPORTED_API_VERSION"),
        ("v6.0", 404, "NOT_FOUND"),
        ("v99.0", 404, "NOT_FOUND"),
        ("v59.1", 404, "NOT_FOUND"),
        ("59.0", 404, "NOT_FOUND"),
    ],
)
async def test_retired_versions_are_gone_and_others_unknown(
    api: httpx.AsyncClient, version: str, status: int, code: str
) -> None:
    """Facts §0: 410 GONE."""
    answer = await api.get(f"http://org.test/services/data/{version}/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


async def test_the_resources_of_a_version_are_listed_with_and_without_a_slash(
    api: httpx.AsyncClient,
) -> None:
    for url in ("/services/data/v59.0", "/services/data/v59.0/"):
        listed = (await api.get("http://org.test" + url)).json()
        assert listed["query"] == "/services/data/v59.0/query"
        assert listed["identity"].startswith("http://org.test/id/00D")


async def test_limits_have_the_well_known_keys_and_follow_use(api: httpx.AsyncClient) -> None:
    """Facts §2: ~60 keys, Max and Remaining."""
    told = (await api.get("limits")).json()
    assert len(told) >= 58
    assert all({"Max", "Remaining"} <= set(one) for one in told.values())
    assert told["PermissionSets"]["CreateCustom"]["Max"] == 1000
    job = {"operation": "query", "query": "SELECT Id FROM Contact"}
    assert (await api.post("jobs/query", json=job)).status_code == 200
    after = (await api.get("limits")).json()
    jobs = after["DailyBulkV2QueryJobs"]
    assert jobs["Max"] - jobs["Remaining"] == 1
    used = told["DailyApiRequests"]["Remaining"] - after["DailyApiRequests"]["Remaining"]
    assert used == 2


async def test_record_counts_leave_out_unknown_objects_and_the_recycle_bin(
    api: httpx.AsyncClient,
) -> None:
    """Facts §2: /limits/recordCount."""
    made = (await api.post(CONTACTS, json={"LastName": "x"})).json()["id"]
    path = "limits/recordCount"
    before = (await api.get(path, params={"sObjects": "Contact,Nothing"})).json()["sObjects"]
    await api.delete(f"{CONTACTS}/{made}")
    after = (await api.get(path, params={"sObjects": "Contact"})).json()["sObjects"]
    assert before == [{"count": after[0]["count"] + 1, "name": "Contact"}]


async def test_calls_count_as_in_an_org(api: httpx.AsyncClient, server: Server) -> None:
    """Facts §6 and §9: Composite and Collections are one call, each part of a batch is one."""
    used = server.org.usage.used
    query = "/services/data/v59.0/query?q=SELECT+Id+FROM+Contact+LIMIT+1"
    parts = [{"method": "GET", "url": query, "referenceId": f"r{n}"} for n in range(3)]
    await api.post("composite", json={"compositeRequest": parts})
    assert used() == 1
    batch = [{"method": "GET", "url": "v59.0/limits"} for _ in range(3)]
    await api.post("composite/batch", json={"batchRequests": batch})
    assert used() == 4
    records = [{"attributes": {"type": "Contact"}, "LastName": str(n)} for n in range(9)]
    await api.post("composite/sobjects", json={"records": records})
    assert used() == 5
    headers = {"Authorization": api.headers["Authorization"]}
    await api.get("http://org.test/services/oauth2/userinfo", headers=headers)
    await api.get("http://org.test/services/data")
    assert used() == 5


async def test_errors_and_rows_come_as_xml_when_asked(api: httpx.AsyncClient) -> None:
    headers = {"Accept": "application/xml"}
    answer = await api.get("sobjects/Nothing/describe", headers=headers)
    assert answer.headers["content-type"] == "application/xml;charset=UTF-8"
    found = ET.fromstring(answer.text)  # noqa: S314 - what the org of this test made
    assert (found.tag, found.findtext("Error/errorCode")) == ("Errors", "NOT_FOUND")
    made = (await api.post(CONTACTS, json={"LastName": "<&>"})).json()["id"]
    answer = await api.get(f"{CONTACTS}/{made}", headers=headers)
    row = ET.fromstring(answer.text)  # noqa: S314 - what the org of this test made
    assert (row.tag, row.get("type"), row.findtext("LastName")) == ("Contact", "Contact", "<&>")
    params = {"q": f"SELECT Id FROM Contact WHERE Id = '{made}'"}  # noqa: S608 - SOQL of a test
    answer = await api.get("query", params=params, headers=headers)
    page = ET.fromstring(answer.text)  # noqa: S314 - what the org of this test made
    assert (page.tag, page.findtext("records/Id")) == ("QueryResult", made)
    both = {"Accept": "application/json, application/xml"}
    assert json.loads((await api.get("limits", headers=both)).text)


async def test_too_many_long_calls_at_once_are_refused(server: Server) -> None:
    """Facts §9: calls of 20 s and more; "ConcurrentRequests ... Limit exceeded."."""
    seconds = [0.0]
    faults = Faults()
    faults.most_long_calls = 2
    data = DataApi(server.org, Router(), server.tokens, faults, ticks=lambda: seconds[-1])
    asking = Asking("GET", "limits", "limits")
    with data.running(), data.running():
        seconds.append(30.0)
        assert data.refused(asking) is None
        with data.running():
            answer = data.refused(asking)
    assert answer is not None
    assert answer.status == 403
    assert "ConcurrentRequests" in str(answer.body)


async def test_the_closed_control_names_the_option(server: Server) -> None:
    transport = httpx.ASGITransport(create_app(server))
    async with httpx.AsyncClient(transport=transport, base_url="http://org.test") as web:
        for path in ("/_sim", "/_sim/fail"):
            answer = await web.get(path)
            assert answer.status_code == 404
            assert "--control" in answer.json()["error"]
