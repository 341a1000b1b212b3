"""Parents of several objects, totals of keys alone, and numbers of rows out of range."""

from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.generate.people import QUEUE
from crmlink_salesforce_sim.oauth.server import Server

SELECT = "SELECT COUNT() FROM Contact {}"
NAMED = "SELECT LastName FROM Contact WHERE LastName = '{}'"


async def asked(api: httpx.AsyncClient, text: str) -> Any:  # noqa: ANN401 - JSON
    return (await api.get("query", params={"q": text})).json()


async def test_a_parent_of_several_objects_is_a_name_and_a_queue_says_so(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §3: TYPEOF tells the object itself; recorded: attributes of an Owner say Name."""
    user = server.identity.user_id
    for name, owner in (("Of a user", user), ("Of a queue", QUEUE)):
        body = {"LastName": name, "Company": "C", "OwnerId": owner}
        assert (await api.post("sobjects/Lead", json=body)).status_code == 201
    text = "SELECT Owner.Type, Owner.Name FROM Lead WHERE LastName LIKE 'Of a%' ORDER BY LastName"
    of_queue, of_user = [one["Owner"] for one in (await asked(api, text))["records"]]
    assert (of_user["Type"], of_queue["Type"]) == ("User", "Queue")
    base = "/services/data/v59.0/sobjects"
    assert of_user["attributes"] == {"type": "Name", "url": f"{base}/User/{user}"}
    assert of_queue["attributes"] == {"type": "Name", "url": f"{base}/Group/{QUEUE}"}
    text = "SELECT TYPEOF Owner WHEN Group THEN Name END FROM Lead WHERE Owner.Type = 'Queue'"
    found = await asked(api, text)
    assert {one["Owner"]["attributes"]["type"] for one in found["records"]} == {"Group"}


async def test_the_total_of_a_rollup_is_one_row(api: httpx.AsyncClient) -> None:
    """Facts §3: GROUP BY ROLLUP, HAVING."""
    for title in "aab":
        await api.post("sobjects/Contact", json={"LastName": "Rolled", "Title": title})
    text = "SELECT Title FROM Contact WHERE LastName = 'Rolled' GROUP BY ROLLUP(Title)"
    found = await asked(api, f"{text} ORDER BY Title NULLS LAST")
    assert [one["Title"] for one in found["records"]] == ["a", "b", None]
    found = await asked(api, f"{text} HAVING COUNT(Id) > 1 ORDER BY Title NULLS LAST")
    assert [one["Title"] for one in found["records"]] == ["a", None]


@pytest.mark.parametrize(
    ("escape", "name"),
    [
        ("\\u00e9", "\u00e9"),
        ("\\ud83d\\uDE00", "\U0001f600"),
        ("\\ud83dx", "\ufffdx"),
        ("\\ude00\\ud83d", "\ufffd\ufffd"),
    ],
)
async def test_two_surrogates_are_one_character_and_half_a_pair_is_none(
    api: httpx.AsyncClient, escape: str, name: str
) -> None:
    """Facts §3: escapes, \\uXXXX; half a pair is unverified."""
    await api.post("sobjects/Contact", json={"LastName": name})
    found = await asked(api, NAMED.format(escape))
    assert [one["LastName"] for one in found["records"]] == [name]


@pytest.mark.parametrize("text", ["LIMIT 2147483648", "LIMIT 9" + "9" * 30, "OFFSET 9" + "9" * 30])
async def test_a_number_of_rows_has_its_range(api: httpx.AsyncClient, text: str) -> None:
    """Unverified: what no Integer holds is malformed."""
    [error] = await asked(api, SELECT.format(text))
    assert error["errorCode"] == "MALFORMED_QUERY"
    assert 'For input string: "' in error["message"]
