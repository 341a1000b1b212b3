"""sObject Tree over HTTP."""

from typing import Any

import httpx
import pytest


def row(kind: str, reference: str, **fields: object) -> dict[str, Any]:
    return {"attributes": {"type": kind, "referenceId": reference}, **fields}


def kids(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"records": list(rows)}


async def planted(api: httpx.AsyncClient, *rows: dict[str, Any]) -> httpx.Response:
    return await api.post("composite/tree/Account/", json={"records": list(rows)})


async def total(api: httpx.AsyncClient) -> int:
    answer = await api.get("limits/recordCount", params={"sObjects": "Account"})
    return int(answer.json()["sObjects"][0]["count"])


async def test_records_are_created_with_their_children(api: httpx.AsyncClient) -> None:
    """Facts §6: one call, results by reference id."""
    contact = row("Contact", "kid", LastName="Kid")
    tree = row("Account", "acme", Name="Acme", Contacts=kids(contact))
    answer = await planted(api, tree, row("Account", "lone", Name="Lone"))
    assert (answer.status_code, answer.json()["hasErrors"]) == (201, False)
    assert answer.headers["sforce-limit-info"] == "api-usage=1/100000"
    made = {one["referenceId"]: one["id"] for one in answer.json()["results"]}
    assert list(made) == ["acme", "kid", "lone"]
    read = await api.get(f"sobjects/Contact/{made['kid']}?fields=AccountId")
    assert read.json()["AccountId"] == made["acme"]


async def test_all_records_fail_together_and_the_wrong_ones_are_told(
    api: httpx.AsyncClient,
) -> None:
    """Facts §6: hasErrors true with 400; statusCode, message, fields."""
    before = await total(api)
    wrong = row("Contact", "kid", LastName="Kid", Email="x")
    tree = row("Account", "acme", Name="Acme", Contacts=kids(wrong))
    answer = await planted(api, tree, row("Account", "nameless"))
    assert (answer.status_code, answer.json()["hasErrors"]) == (400, True)
    told = {one["referenceId"]: one["errors"][0] for one in answer.json()["results"]}
    assert told["kid"]["statusCode"] == "INVALID_EMAIL_ADDRESS"
    assert told["kid"]["fields"] == ["Email"]
    assert told["nameless"]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert await total(api) == before


def nested(levels: int) -> dict[str, Any]:
    tree = row("Account", f"a{levels}", Name="x")
    for n in range(levels - 1, 0, -1):
        tree = row("Account", f"a{n}", Name="x", ChildAccounts=kids(tree))
    return tree


@pytest.mark.parametrize(
    "rows",
    [
        [row("Account", f"a{n}", Name="x") for n in range(201)],
        [nested(6)],
        [row("Account", "a", Name="x"), row("Account", "a", Name="x")],
        [row("Contact", "a", LastName="x")],
        [{"attributes": {"type": "Account"}, "Name": "x"}],
        [{"Name": "x"}],
    ],
    ids=["records", "levels", "twice", "type", "reference", "attributes"],
)
async def test_trees_have_their_limits(api: httpx.AsyncClient, rows: list[dict[str, Any]]) -> None:
    """Facts §6: 200 records, 5 types, 5 levels."""
    before = await total(api)
    assert (await planted(api, *rows)).status_code == 400
    assert await total(api) == before


async def test_five_levels_are_taken(api: httpx.AsyncClient) -> None:
    """Facts §6: up to 5 levels."""
    answer = await planted(api, nested(5))
    assert (answer.status_code, len(answer.json()["results"])) == (201, 5)
