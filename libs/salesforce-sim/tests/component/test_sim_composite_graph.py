"""Composite graphs over HTTP."""

from typing import Any

import httpx
import pytest

BASE = "/services/data/v59.0/sobjects"


def node(reference: str, body: object, sobject: str = "Account") -> dict[str, Any]:
    url = f"{BASE}/{sobject}"
    return {"method": "POST", "url": url, "referenceId": reference, "body": body}


def graph(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    return {"graphId": name, "compositeRequest": list(nodes)}


async def posted(api: httpx.AsyncClient, *graphs: dict[str, Any]) -> httpx.Response:
    return await api.post("composite/graph", json={"graphs": list(graphs)})


async def total(api: httpx.AsyncClient, sobject: str) -> int:
    answer = await api.get("limits/recordCount", params={"sObjects": sobject})
    return int(answer.json()["sObjects"][0]["count"])


async def test_each_graph_is_done_whole_or_not_at_all(api: httpx.AsyncClient) -> None:
    """Facts §6: each graph all-or-none; isSuccessful; one API call."""
    before = await total(api, "Account")
    good = graph("1", node("a", {"Name": "Acme"}), node("k", {"LastName": "K"}, "Contact"))
    good["compositeRequest"][1]["body"]["AccountId"] = "@{a.id}"
    bad = graph("2", node("b", {"Name": "Rolled back"}), node("c", {}), node("d", {"Name": "d"}))
    answer = await posted(api, good, bad)
    assert (answer.status_code, answer.headers["sforce-limit-info"]) == (
        200,
        "api-usage=2/100000",
    )
    first, second = answer.json()["graphs"]
    assert (first["graphId"], first["isSuccessful"]) == ("1", True)
    made = first["graphResponse"]["compositeResponse"]
    assert [one["httpStatusCode"] for one in made] == [201, 201]
    assert made[0]["httpHeaders"]["Location"].endswith(made[0]["body"]["id"])
    told = second["graphResponse"]["compositeResponse"]
    assert [one["referenceId"] for one in told] == ["b", "c", "d"]
    assert [one["body"][0]["errorCode"] for one in told] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert second["isSuccessful"] is False
    assert await total(api, "Account") == before + 1


async def test_nodes_are_done_after_those_they_refer_to(api: httpx.AsyncClient) -> None:
    """Facts §6: references inside a graph; unverified: in any order of the nodes."""
    kid = node("kid", {"LastName": "K", "AccountId": "@{acme.id}"}, "Contact")
    answer = await posted(api, graph("1", kid, node("acme", {"Name": "Acme"})))
    [told] = answer.json()["graphs"]
    assert told["isSuccessful"], told
    names = [one["referenceId"] for one in told["graphResponse"]["compositeResponse"]]
    assert names == ["kid", "acme"]


async def test_after_fourteen_failed_graphs_the_rest_is_halted(api: httpx.AsyncClient) -> None:
    """Facts §6: 14 failed graphs, then PROCESSING_HALTED."""
    before = await total(api, "Account")
    graphs = [graph(str(n), node("x", {})) for n in range(14)]
    answer = await posted(api, *graphs, graph("last", node("y", {"Name": "Never"})))
    last = answer.json()["graphs"][-1]
    assert last["isSuccessful"] is False
    [told] = last["graphResponse"]["compositeResponse"]
    assert told["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert await total(api, "Account") == before


def chain(length: int) -> list[dict[str, Any]]:
    nodes = [node("n0", {"Name": "0"})]
    return nodes + [
        node(f"n{n}", {"Name": "x", "ParentId": f"@{{n{n - 1}.id}}"}) for n in range(1, length)
    ]


@pytest.mark.parametrize(
    "graphs",
    [
        [graph(str(n), node("x", {"Name": "x"})) for n in range(76)],
        [graph("1", *[node(f"n{n}", {"Name": "x"}) for n in range(501)])],
        [graph("1", *chain(16))],
        [graph("1", *[node(f"n{n}", {}, f"Kind{n}") for n in range(16)])],
        [graph("1", node("x", {"Name": "x"})), graph("1", node("x", {"Name": "x"}))],
        [graph("1", node("x", {"Name": "@{y.id}"}), node("y", {"Name": "@{x.id}"}))],
        [graph("1", {"method": "GET", "url": "/services/data/v59.0/limits", "referenceId": "l"})],
        [{"compositeRequest": []}],
        [graph("a.b", node("x", {"Name": "x"}))],
        [graph("1", {"method": "GET", "url": f"{BASE}/Account", "referenceId": "l"})],
    ],
    ids=[
        *("graphs", "nodes", "depth", "kinds", "names", "circle", "resource", "no name"),
        *("name", "method"),
    ],
)
async def test_graphs_have_their_limits(
    api: httpx.AsyncClient, graphs: list[dict[str, Any]]
) -> None:
    """Facts §6: 75 graphs, 500 nodes, depth 15, 15 different nodes."""
    assert (await posted(api, *graphs)).status_code == 400


async def test_a_chain_of_fifteen_is_taken(api: httpx.AsyncClient) -> None:
    """Facts §6: depth 15."""
    answer = await posted(api, graph("1", *chain(15)))
    assert answer.json()["graphs"][0]["isSuccessful"] is True


async def test_graphs_came_with_version_50(api: httpx.AsyncClient) -> None:
    """Unverified: available since v50."""
    path = "http://org.test/services/data/v49.0/composite/graph"
    assert (await api.post(path, json={"graphs": []})).status_code == 404
