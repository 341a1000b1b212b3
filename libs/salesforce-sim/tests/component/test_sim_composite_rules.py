"""What Composite, Batch and Collections refuse, pass on and keep apart."""

from typing import Any

import httpx
import pytest

BASE = "/services/data/v59.0/"
KIND = {"attributes": {"type": "Contact"}}


def part(method: str, path: str, reference: str, body: object = None) -> dict[str, Any]:
    made = {"method": method, "url": BASE + path, "referenceId": reference}
    return made if body is None else {**made, "body": body}


async def composed(api: httpx.AsyncClient, *parts: dict[str, Any], **more: object) -> list[Any]:
    answer = await api.post("composite", json={"compositeRequest": list(parts), **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["compositeResponse"])


async def test_answers_come_in_order_with_their_headers(api: httpx.AsyncClient) -> None:
    """Facts §6: body, httpHeaders, httpStatusCode, referenceId; collateSubrequests is taken."""
    parts = [part("POST", "sobjects/Account", f"r{n}", {"Name": "x"}) for n in range(3)]
    answers = await composed(api, *parts, collateSubrequests=True)
    assert [one["referenceId"] for one in answers] == ["r0", "r1", "r2"]
    for one in answers:
        assert sorted(one) == ["body", "httpHeaders", "httpStatusCode", "referenceId"]
        location = f"{BASE}sobjects/Account/{one['body']['id']}"
        assert one["httpHeaders"] == {"Location": location}


@pytest.mark.parametrize(
    "parts",
    [
        [part("GET", "limits", "same"), part("GET", "limits", "same")],
        [part("GET", "limits", "not a name")],
        [{"method": "GET", "url": BASE + "limits"}],
        [part("FETCH", "limits", "r")],
    ],
    ids=["twice", "name", "none", "method"],
)
async def test_parts_have_names_of_their_own(
    api: httpx.AsyncClient, parts: list[dict[str, Any]]
) -> None:
    """Facts §6: referenceId; unverified: its letters."""
    answer = await api.post("composite", json={"compositeRequest": parts})
    assert answer.status_code == 400


async def test_a_reference_that_leads_nowhere_fails_its_part_alone(
    api: httpx.AsyncClient,
) -> None:
    """Facts §6: unknown, later and case-wrong references."""
    answers = await composed(
        api,
        part("GET", "sobjects/Account/@{later.id}", "early"),
        part("POST", "sobjects/Account", "later", {"Name": "x"}),
        part("GET", "sobjects/Account/@{later.ID}", "case"),
        part("GET", "sobjects/Account/@{Later.id}", "name"),
        part("GET", "sobjects/Account/@{later.id}?fields=Name", "right"),
    )
    assert [one["httpStatusCode"] for one in answers] == [400, 201, 400, 400, 200]
    assert answers[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "later.id" in answers[0]["body"][0]["message"]


async def test_a_reference_alone_keeps_its_type_and_inside_text_is_text(
    api: httpx.AsyncClient,
) -> None:
    """Facts §6: references nested in a body (types: unverified)."""
    first = {"LastName": "A", "DoNotCall": True}
    made = (await api.post("sobjects/Contact", json=first)).json()["id"]
    text = {"LastName": "copy of @{a.LastName}", "DoNotCall": "@{a.DoNotCall}"}
    collection = {"records": [{**KIND, **text}]}
    answers = await composed(
        api,
        part("GET", f"sobjects/Contact/{made}?fields=LastName,DoNotCall", "a"),
        part("POST", "composite/sobjects", "many", collection),
        part("GET", "sobjects/Contact/@{many[0].id}", "read"),
    )
    assert answers[2]["body"]["LastName"] == "copy of A"
    assert answers[2]["body"]["DoNotCall"] is True


@pytest.mark.parametrize("inner", [True, False])
async def test_an_all_or_none_composite_makes_its_collections_so(
    api: httpx.AsyncClient, *, inner: bool
) -> None:
    """Facts §6: allOrNone; Salesforce's page on it: the outer one decides when it is true."""
    good, bad = {**KIND, "LastName": "good"}, KIND
    body = {"allOrNone": inner, "records": [good, bad]}
    parts = [
        part("POST", "composite/sobjects", "many", body),
        part("POST", "sobjects/Contact", "one", {"LastName": "x"}),
    ]
    many, one = await composed(api, *parts, allOrNone=True)
    codes = [item["errors"][0]["statusCode"] for item in many["body"]]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert one["body"][0]["errorCode"] == "PROCESSING_HALTED"
    many, one = await composed(api, *parts, allOrNone=False)
    assert [item["success"] for item in many["body"]] == [not inner, False]
    assert one["httpStatusCode"] == 201


async def test_a_part_has_its_own_conditions(api: httpx.AsyncClient) -> None:
    """Facts §6: httpHeaders belong to their part; the outer call's conditions to nobody."""
    made = (await api.post("sobjects/Account", json={"Name": "A"})).json()["id"]
    path = f"sobjects/Account/{made}"
    late = "Fri, 01 May 2026 09:00:00 GMT"
    conditional = {**part("GET", path, "b"), "httpHeaders": {"If-Modified-Since": late}}
    body = {"compositeRequest": [part("GET", path, "a"), conditional]}
    answer = await api.post("composite", json=body, headers={"If-Modified-Since": late})
    assert [one["httpStatusCode"] for one in answer.json()["compositeResponse"]] == [200, 304]


async def test_a_part_without_an_address_fails_alone(api: httpx.AsyncClient) -> None:
    """Facts §6: outer 200 even with failures."""
    nowhere = {"method": "GET", "url": "//[", "referenceId": "a"}
    answers = await composed(api, nowhere, part("GET", "limits", "b"))
    assert [one["httpStatusCode"] for one in answers] == [404, 200]


async def test_calls_that_carry_calls_are_not_carried(api: httpx.AsyncClient) -> None:
    """Facts §6: Composite, Batch, Graph and Tree are no parts."""
    paths = ("composite", "composite/batch", "composite/graph", "composite/tree/Account")
    parts = [part("POST", path, f"r{n}", {}) for n, path in enumerate(paths)]
    answers = await composed(api, *parts)
    assert {one["httpStatusCode"] for one in answers} == {400}
    batch = {"batchRequests": [{"method": "POST", "url": "v59.0/composite", "richInput": {}}]}
    answer = (await api.post("composite/batch", json=batch)).json()
    assert (answer["hasErrors"], answer["results"][0]["statusCode"]) == (True, 400)


async def test_a_batch_takes_25_and_each_counts(api: httpx.AsyncClient) -> None:
    """Facts §6: <= 25, each subrequest counts; richInput is the body; the rest goes on."""
    create = {"method": "POST", "url": "v59.0/sobjects/Contact", "richInput": {"LastName": "x"}}
    parts = [{"method": "GET", "url": "v59.0/nope"}, create, {"url": "v59.0/limits"}]
    answer = await api.post("composite/batch", json={"batchRequests": parts})
    assert [one["statusCode"] for one in answer.json()["results"]] == [404, 201, 400]
    assert answer.headers["sforce-limit-info"] == "api-usage=3/100000"
    many = [{"method": "GET", "url": "v59.0/limits"}] * 26
    assert (await api.post("composite/batch", json={"batchRequests": many})).status_code == 400


async def test_types_that_change_too_often_are_refused(api: httpx.AsyncClient) -> None:
    """Unverified: neighbours of one type are a chunk, and a call takes ten."""
    pair = [
        {"attributes": {"type": "Account"}, "Name": "x"},
        {"attributes": {"type": "Contact"}, "LastName": "x"},
    ]
    answer = await api.post("composite/sobjects", json={"records": pair * 5})
    assert [one["success"] for one in answer.json()] == [True] * 10
    refused = await api.post("composite/sobjects", json={"records": [*pair * 5, pair[0]]})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")


async def test_a_record_is_changed_once_in_a_call(api: httpx.AsyncClient) -> None:
    """Unverified: the second change of a record in one call is a duplicate."""
    made = (await api.post("sobjects/Contact", json={"LastName": "x"})).json()["id"]
    records = [{**KIND, "id": made, "Title": title} for title in "ab"]
    first, second = (await api.patch("composite/sobjects", json={"records": records})).json()
    assert (first["success"], second["success"]) == (True, False)
    assert second["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


async def test_deleting_names_each_record_and_all_or_none(api: httpx.AsyncClient) -> None:
    """Facts §6: DELETE ?ids=&allOrNone=."""
    made = (await api.post("sobjects/Contact", json={"LastName": "x"})).json()["id"]
    params = {"ids": f"{made},003dM00000zzzzz", "allOrNone": "true"}
    first, second = (await api.delete("composite/sobjects", params=params)).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert "id" not in first
    assert second["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert (await api.get(f"sobjects/Contact/{made}")).status_code == 200
