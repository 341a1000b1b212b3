"""Collections, Composite and Batch over HTTP."""

from typing import Any

import httpx

KIND = {"attributes": {"type": "Contact"}}


async def total(api: httpx.AsyncClient) -> int:
    answer = await api.get("limits/recordCount", params={"sObjects": "Contact"})
    return int(answer.json()["sObjects"][0]["count"])


async def test_each_record_of_a_collection_has_its_own_result(api: httpx.AsyncClient) -> None:
    """Facts §6: failed items have statusCode and no id."""
    before = await total(api)
    records = [{**KIND, "LastName": "a"}, KIND, {**KIND, "LastName": "b", "Email": "x"}]
    good, missing, wrong = (await api.post("composite/sobjects", json={"records": records})).json()
    assert good["success"] is True
    assert "id" not in missing
    assert missing["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert wrong["errors"][0]["fields"] == ["Email"]
    assert await total(api) == before + 1


async def test_all_or_none_leaves_none(api: httpx.AsyncClient) -> None:
    """Facts §6: the others are ALL_OR_NONE_OPERATION_ROLLED_BACK."""
    before = await total(api)
    body = {"allOrNone": True, "records": [{**KIND, "LastName": "a"}, KIND]}
    first, second = (await api.post("composite/sobjects", json=body)).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert await total(api) == before


async def test_a_collection_takes_200_records(api: httpx.AsyncClient) -> None:
    """Facts §6: 200 records."""
    records = [{**KIND, "LastName": "a"}] * 201
    answer = await api.post("composite/sobjects", json={"records": records})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


async def test_an_upsert_of_many_creates_updates_and_names_the_ambiguous(
    api: httpx.AsyncClient,
) -> None:
    """Facts §6 and §2: created flags in order, DUPLICATE_EXTERNAL_ID for more than one match."""
    for _ in range(2):
        body = {"LastName": "twin", "Email": "twin@x.example"}
        await api.post("sobjects/Contact", json=body)
    await api.post("sobjects/Contact", json={"LastName": "one", "Email": "one@x.example"})
    emails = ["new@x.example", "ONE@x.example", "twin@x.example", "New@x.example"]
    records = [{**KIND, "LastName": "up", "Email": email} for email in emails]
    path = "composite/sobjects/Contact/Email"
    answer = await api.patch(path, json={"records": records})
    new, old, twin, repeated = answer.json()
    assert (new["created"], old["created"]) == (True, False)
    assert twin["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"
    assert repeated["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


async def test_many_are_updated_read_and_deleted(api: httpx.AsyncClient) -> None:
    """Facts §6: PATCH, GET and POST retrieve with null for the unknown, DELETE ?ids=."""
    records = [{**KIND, "LastName": name} for name in "ab"]
    made = (await api.post("composite/sobjects", json={"records": records})).json()
    ids = [one["id"] for one in made]
    unknown = "003dM00000zzzzz"
    changes = [{**KIND, "id": ids[0], "Title": "x"}, {**KIND, "Id": unknown, "Title": "x"}]
    good, bad = (await api.patch("composite/sobjects", json={"records": changes})).json()
    assert good == {"id": ids[0], "success": True, "errors": []}
    assert bad["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    wanted = {"ids": [ids[1], unknown, ids[0]], "fields": ["Title"]}
    found = (await api.post("composite/sobjects/Contact", json=wanted)).json()
    assert [one and (one["Id"], one["Title"]) for one in found] == [
        (ids[1], None),
        None,
        (ids[0], "x"),
    ]
    params = {"ids": ids[0], "fields": "Title"}
    assert (await api.get("composite/sobjects/Contact", params=params)).json() == [found[2]]
    gone = await api.delete("composite/sobjects", params={"ids": ",".join([*ids, unknown])})
    assert [one["success"] for one in gone.json()] == [True, True, False]


def part(method: str, path: str, reference: str, body: object = None) -> dict[str, Any]:
    url = f"/services/data/v59.0/{path}"
    made = {"method": method, "url": url, "referenceId": reference}
    return made if body is None else {**made, "body": body}


async def test_parts_of_a_composite_refer_to_earlier_ones(api: httpx.AsyncClient) -> None:
    """Facts §6: references in url and body; one API call for all."""
    query = "query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{kid.id}'"
    parts = [
        part("POST", "sobjects/Account", "acme", {"Name": "Acme"}),
        part("POST", "sobjects/Contact", "kid", {"LastName": "K", "AccountId": "@{acme.id}"}),
        part("GET", query, "found"),
        part("GET", "sobjects/Contact/@{found.records[0].Id}?fields=LastName", "read"),
        part("GET", "sobjects/Contact/@{kid.Id}", "letter_case"),
    ]
    answer = await api.post("composite", json={"compositeRequest": parts})
    assert answer.headers["sforce-limit-info"] == "api-usage=1/100000"
    _, _, found, read, letter_case = answer.json()["compositeResponse"]
    assert found["body"]["records"][0]["Account"]["Name"] == "Acme"
    assert read["body"]["LastName"] == "K"
    assert letter_case["httpStatusCode"] == 400
    assert letter_case["body"][0]["errorCode"] == "PROCESSING_HALTED"


async def test_a_rolled_back_composite_says_so_of_the_siblings(api: httpx.AsyncClient) -> None:
    """Facts §6: outer 200, siblings 400 PROCESSING_HALTED."""
    before = await total(api)
    parts = [
        part("POST", "sobjects/Contact", "good", {"LastName": "x"}),
        part("POST", "sobjects/Contact", "bad", {}),
        part("POST", "sobjects/Contact", "never", {"LastName": "x"}),
    ]
    answer = await api.post("composite", json={"allOrNone": True, "compositeRequest": parts})
    assert answer.status_code == 200
    told = [
        (one["httpStatusCode"], one["body"][0]["errorCode"])
        for one in answer.json()["compositeResponse"]
    ]
    halted = (400, "PROCESSING_HALTED")
    assert told == [halted, (400, "REQUIRED_FIELD_MISSING"), halted]
    assert await total(api) == before


async def test_a_composite_has_its_limits(api: httpx.AsyncClient) -> None:
    """Facts §6: 25 parts, 5 of them queries or collections."""
    for count, path in [(26, "limits"), (6, "query?q=SELECT+Id+FROM+Lead")]:
        parts = [part("GET", path, f"r{n}") for n in range(count)]
        answer = await api.post("composite", json={"compositeRequest": parts})
        assert answer.status_code == 400, path


async def test_each_part_of_a_batch_counts(api: httpx.AsyncClient) -> None:
    """Facts §6: hasErrors, statusCode, result; haltOnError; every part is an API call."""
    parts = [{"method": "GET", "url": f"v57.0/{path}"} for path in ("limits", "nope", "limits")]
    body = {"batchRequests": parts, "haltOnError": True}
    answer = await api.post("composite/batch", json=body)
    assert answer.json()["hasErrors"] is True
    assert [one["statusCode"] for one in answer.json()["results"]] == [200, 404, 412]
    assert answer.headers["sforce-limit-info"] == "api-usage=2/100000"
