"""The paths of rows: by external id, by relationship, recently used."""

import httpx
import pytest


async def create(api: httpx.AsyncClient, sobject: str = "Contact", **fields: object) -> str:
    answer = await api.post(f"sobjects/{sobject}", json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_row_is_read_headed_and_deleted_by_its_external_id(api: httpx.AsyncClient) -> None:
    """Facts §5: external id paths; the value may hold a slash."""
    made = await create(api, LastName="x", Member_Id__c="w/1")
    path = "sobjects/Contact/Member_Id__c/w%2F1"
    assert (await api.get(path + "?fields=Id,LastName")).json()["Id"] == made
    head = await api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404


async def test_a_created_upsert_says_so_since_version_46(api: httpx.AsyncClient) -> None:
    """Facts §5: created in v46 and later alone."""
    for version, told in (("v45.0", False), ("v46.0", True)):
        path = f"http://org.test/services/data/{version}/sobjects/Contact/Member_Id__c/{version}"
        answer = await api.patch(path, json={"LastName": "x"})
        assert answer.status_code == 201
        assert ("created" in answer.json()) is told, version


async def test_an_id_path_without_an_id_creates(api: httpx.AsyncClient) -> None:
    """Facts §5: the Id path works too."""
    answer = await api.post("sobjects/Account/Id", json={"Name": "Acme"})
    assert answer.status_code == 201
    made = answer.json()["id"]
    assert answer.headers["location"].endswith(f"/sobjects/Account/{made}")
    changed = await api.patch(f"sobjects/Account/Id/{made}", json={"Name": "Acme 2"})
    assert (changed.status_code, changed.json()["created"]) == (200, False)
    unknown = await api.patch("sobjects/Account/Id/001dM00000zzzzz", json={"Name": "x"})
    assert unknown.status_code == 404


@pytest.mark.parametrize("key", ["Id", "id", "Member_Id__c"])
async def test_the_body_names_neither_id_nor_key(api: httpx.AsyncClient, key: str) -> None:
    """Facts §5: body must not contain Id or the external id field."""
    body = {"LastName": "x", key: "003dM00000zzzzz"}
    for path in ("sobjects/Contact/Member_Id__c/m-1", "sobjects/Contact/Member_Id__c/m-2"):
        answer = await api.patch(path, json=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


async def test_a_parent_is_reached_through_its_relationship(api: httpx.AsyncClient) -> None:
    """Facts §5: /sobjects/Contact/id/Account; reading, changing, deleting, and no parent."""
    account = await create(api, "Account", Name="Acme")
    contact = await create(api, LastName="x", AccountId=account)
    path = f"sobjects/Contact/{contact}/Account"
    assert (await api.get(path + "?fields=Name")).json()["Name"] == "Acme"
    assert (await api.patch(path, json={"Name": "Acme 2"})).status_code == 204
    assert (await api.get(path)).json()["Name"] == "Acme 2"
    children = (await api.get(f"sobjects/Account/{account}/Contacts?fields=LastName")).json()
    assert (children["totalSize"], children["records"][0]["LastName"]) == (1, "x")
    lone = await create(api, LastName="y")
    for wrong in (f"sobjects/Contact/{lone}/Account", f"sobjects/Contact/{lone}/Nothing"):
        answer = await api.get(wrong)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND"), wrong


async def test_fields_that_are_none_are_refused(api: httpx.AsyncClient) -> None:
    """Facts §2: INVALID_FIELD."""
    made = await create(api, LastName="x")
    answer = await api.get(f"sobjects/Contact/{made}?fields=Id,(Nope)")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


async def test_recently_used_records_are_those_a_caller_marked(api: httpx.AsyncClient) -> None:
    """Facts §2 and §5: Sforce-Mru; recentItems beside objectDescribe."""
    made = [await create(api, LastName=name) for name in "ab"]
    for one in made:
        await api.get(f"sobjects/Contact/{one}", headers={"Sforce-Mru": "updateMru=true"})
    await api.get(f"sobjects/Contact/{await create(api, LastName='c')}")
    basic = (await api.get("sobjects/Contact")).json()
    assert sorted(basic) == ["objectDescribe", "recentItems"]
    assert [one["Id"] for one in basic["recentItems"]] == made[::-1]
    recent = (await api.get("recent?limit=1")).json()
    assert [(one["Id"], one["Name"]) for one in recent] == [(made[1], "b")]
