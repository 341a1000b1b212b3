"""Facts §6: several requests in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .asking import Asking, typed

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]


def part(ask: Asking, reference: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    told = {"method": method, "url": ask.url(path), "referenceId": reference}
    return told | ({"body": body} if body is not None else {})


def composite(ask: Asking, *parts: Any, **more: object) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    told = ask.post("composite", {"compositeRequest": list(parts), **more})
    found: list[dict[str, Any]] = told["compositeResponse"]
    return found


@fact("F6.1")
def test_how_many_requests_a_call_takes(ask: Asking) -> None:
    reads = [part(ask, f"r{n}", "GET", "limits") for n in range(26)]
    queries = [
        part(ask, f"q{n}", "GET", "query?q=SELECT+Id+FROM+Account+LIMIT+1") for n in range(6)
    ]
    assert len(composite(ask, *reads[:25])) == 25
    assert len(composite(ask, *queries[:5])) == 5
    for many in (reads, queries):
        told = ask.refused("POST", "composite", json={"compositeRequest": many})
        assert told.status == 400


@fact("F6.2")
def test_it_is_one_call(ask: Asking) -> None:
    before = ask.used()
    composite(ask, *[part(ask, f"r{n}", "GET", "limits") for n in range(20)])
    assert ask.used() == before + 2


@fact("F6.3", "F6.4")
def test_results_are_referred_to(ask: Asking, name: Names) -> None:
    account = name()
    told = composite(
        ask,
        part(ask, "made", "POST", "sobjects/Account", {"Name": account}),
        part(ask, "found", "GET", "query?q=SELECT+Id+FROM+Account+WHERE+Id='@{made.id}'"),
        part(
            ask, "person", "POST", "sobjects/Contact", {"LastName": "x", "AccountId": "@{made.id}"}
        ),
        part(ask, "again", "PATCH", "sobjects/Account/@{found.records[0].Id}", {"Site": "B"}),
        part(ask, "wrong", "PATCH", "sobjects/Account/@{made.Id}", {"Site": "B"}),
    )
    assert [one["httpStatusCode"] for one in told] == [201, 200, 201, 204, 400]
    assert [one["referenceId"] for one in told] == ["made", "found", "person", "again", "wrong"]
    assert all(set(one) == {"body", "httpHeaders", "httpStatusCode", "referenceId"} for one in told)


@fact("F6.5")
def test_all_or_none(ask: Asking, name: Names) -> None:
    account = name()
    good, bad = composite(
        ask,
        part(ask, "good", "POST", "sobjects/Account", {"Name": account}),
        part(ask, "bad", "POST", "sobjects/Account", {}),
        allOrNone=True,
    )
    text = "The transaction was rolled back since another operation in the same transaction failed."
    assert good["httpStatusCode"] == 400
    assert good["body"] == [{"errorCode": "PROCESSING_HALTED", "message": text}]
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    soql = f"SELECT COUNT() FROM Account WHERE Name = '{account}'"  # noqa: S608 - SOQL
    assert ask.query(soql)["totalSize"] == 0


@fact("F6.14", "F6.15")
def test_a_batch_counts_each(ask: Asking) -> None:
    one = {"method": "GET", "url": "v57.0/limits"}
    before = ask.used()
    told = ask.post("composite/batch", {"batchRequests": [one] * 25})
    assert ask.used() == before + 26
    assert told["hasErrors"] is False
    assert all(set(item) == {"statusCode", "result"} for item in told["results"])
    assert told["results"][0]["statusCode"] == 200
    assert ask.refused("POST", "composite/batch", json={"batchRequests": [one] * 26}).status == 400


@fact("F6.16")
def test_a_batch_can_be_halted(ask: Asking) -> None:
    parts = [{"method": "GET", "url": f"v59.0/{path}"} for path in ("limits", "nothing", "limits")]
    body = {"batchRequests": parts, "haltOnError": True}
    told = ask.post("composite/batch", body)
    assert told["hasErrors"] is True
    assert [one["statusCode"] for one in told["results"]] == [200, 404, 412]
    assert told["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"


@fact("F6.17", "F6.19")
def test_each_graph_by_itself(ask: Asking, name: Names) -> None:
    first, second = name(), name()

    def graph(graph_id: str, account: str, contact: dict[str, str]) -> dict[str, object]:
        requests = [
            part(ask, "a", "POST", "sobjects/Account", {"Name": account}),
            part(ask, "c", "POST", "sobjects/Contact", {**contact, "AccountId": "@{a.id}"}),
        ]
        return {"graphId": graph_id, "compositeRequest": requests}

    body = {"graphs": [graph("1", first, {"LastName": "x"}), graph("2", second, {})]}
    told = ask.post("composite/graph", body)["graphs"]
    assert [(one["graphId"], one["isSuccessful"]) for one in told] == [("1", True), ("2", False)]
    responses = [one["graphResponse"]["compositeResponse"] for one in told]
    assert [one["httpStatusCode"] for one in responses[0]] == [201, 201]
    for account, count in ((first, 1), (second, 0)):
        soql = f"SELECT COUNT() FROM Account WHERE Name = '{account}'"  # noqa: S608 - SOQL
        assert ask.query(soql)["totalSize"] == count
    node = part(ask, "n", "GET", "limits")
    many = {"graphs": [{"graphId": str(n), "compositeRequest": [node]} for n in range(76)]}
    assert ask.refused("POST", "composite/graph", json=many).status == 400
    nodes = [part(ask, f"n{n}", "POST", "sobjects/Account", {"Name": "x"}) for n in range(501)]
    wide = {"graphs": [{"graphId": "1", "compositeRequest": nodes}]}
    answer = ask.send("POST", "composite/graph", json=wide)
    assert answer.status_code == 400 or not answer.json()["graphs"][0]["isSuccessful"]


@fact("F6.20", "F6.22")
def test_a_tree_stands_or_falls(ask: Asking, name: Names) -> None:
    account = name()
    child = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": name()}
    tree = {
        "attributes": {"type": "Account", "referenceId": "a"},
        "Name": account,
        "Contacts": {"records": [child]},
    }
    before = ask.used()
    made = ask.send("POST", "composite/tree/Account", json={"records": [tree]})
    assert ask.used() == before + 2
    assert made.status_code == 201
    told = made.json()
    assert told["hasErrors"] is False
    assert {one["referenceId"] for one in told["results"]} == {"a", "c"}
    assert all(set(one) == {"referenceId", "id"} for one in told["results"])
    other = {**tree, "Name": name(), "Contacts": {"records": [{**child, "LastName": None}]}}
    answer = ask.send("POST", "composite/tree/Account", json={"records": [other]})
    assert answer.status_code == 400
    [failed] = answer.json()["results"]
    assert (answer.json()["hasErrors"], failed["referenceId"]) == (True, "c")
    assert set(failed["errors"][0]) == {"statusCode", "message", "fields"}
    soql = f"SELECT COUNT() FROM Account WHERE Name = '{other['Name']}'"  # noqa: S608 - SOQL
    assert ask.query(soql)["totalSize"] == 0


@fact("F6.20", "F6.21")
def test_how_large_a_tree_may_be(ask: Asking) -> None:
    many = [typed("Account", Name="x") for _ in range(201)]
    for n, record in enumerate(many):
        record["attributes"]["referenceId"] = f"r{n}"
    answer = ask.send("POST", "composite/tree/Account", json={"records": many})
    assert answer.status_code == 400
    deep: dict[str, Any] = {}
    for level in range(6):
        record = {"attributes": {"type": "Account", "referenceId": f"l{level}"}, "Name": "x"}
        deep = record | ({"ChildAccounts": {"records": [deep]}} if deep else {})
    assert ask.send("POST", "composite/tree/Account", json={"records": [deep]}).status_code == 400
