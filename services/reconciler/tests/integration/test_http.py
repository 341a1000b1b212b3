"""What callers meet over HTTP, on real PostgreSQL."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crmlink_common.runs.store import Runs
from crmlink_reconciler.domain.directory import Known
from crmlink_reconciler.domain.matching import STAGES, Candidate, Match, State
from crmlink_reconciler.fakes import NOON, ORG
from crmlink_reconciler.storage.directory import DirectoryRepository
from crmlink_reconciler.storage.matches import MatchRepository

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Sessions = async_sessionmaker[AsyncSession]
Calls = dict[str, httpx.AsyncClient]
RECORD, OTHER = "003000000000001AAA", "003000000000002AAA"


async def a_match(
    sessions: Sessions, member_id: str, *records: str, state: State = "proposed"
) -> None:
    candidates = tuple(
        Candidate(one, "Contact", "Ada L", "ada@example.com", ("1", "2"), "001A", "005A")
        for one in records
    )
    async with sessions.begin() as session:
        known = Known(1, "ada@example.com", "12", "Ada")
        await DirectoryRepository(session).save({("w1", member_id): known}, NOON)
        match = Match(member_id, STAGES[0], state, "", candidates)
        await MatchRepository(session).save("w1", "run", ORG, [match])


async def test_only_the_services_named_may_call(calls: Calls) -> None:
    assert (await calls["tools"].get("/summary")).status_code == 403
    assert (await calls["gateway"].post("/reservations", json={"items": []})).status_code == 403
    assert (await calls["sync-outbound"].post("/match-runs")).status_code == 403


async def test_a_match_is_shown_linked_shown_and_unlinked(calls: Calls, sessions: Sessions) -> None:
    await a_match(sessions, "m1", RECORD)
    http = calls["gateway"]
    shown = (await http.get("/matches")).json()
    assert shown["total"] == 1
    assert shown["items"][0] == {
        "member_id": "m1",
        "member": {"name": "Ada", "email": "ada@example.com", "phone": "12"},
        "match_type": "email",
        "object": "Contact",
        "record_id": RECORD,
        "record": (
            record := {
                "record_id": RECORD,
                "object": "Contact",
                "name": "Ada L",
                "email": "ada@example.com",
                "phone": "1",
                "account_id": "001A",
                "owner_id": "005A",
            }
        ),
        "state": "proposed",
        "reason": "",
        "candidates": 1,
        "choices": [record],
    }
    linked = await http.post("/links", json={"member_id": "m1"})
    assert linked.json() == {"linked": 1, "refused": []}
    [item] = (await http.get("/links")).json()["items"]
    assert (item["record_id"], item["account_id"], item["name"]) == (RECORD, "001A", "Ada")
    assert item["linked_at"]
    assert (await http.delete("/links/m1")).json() == {"state": "excluded"}
    assert (await http.get("/links", params={"state": "excluded"})).json()["total"] == 1
    assert (await http.post("/links/m1/relink")).json() == {"state": "unlinked"}
    history = (await http.get("/links/m1/history")).json()["items"]
    assert [(one["revision"], one["state"]) for one in history] == [
        (3, "unlinked"),
        (2, "excluded"),
        (1, "linked"),
    ]


async def test_link_all_leaves_the_ambiguous_alone(calls: Calls, sessions: Sessions) -> None:
    await a_match(sessions, "m1", RECORD)
    await a_match(sessions, "m2", OTHER, "003000000000003AAA", state="ambiguous")
    told = (await calls["gateway"].post("/links", json={"all": True})).json()
    assert told == {"linked": 1, "refused": []}
    refused = (await calls["gateway"].post("/links", json={"member_ids": ["m2"]})).json()
    assert [one["code"] for one in refused["refused"]] == ["ambiguous"]
    chosen = await calls["gateway"].post("/links", json={"member_id": "m2", "record_id": OTHER})
    assert chosen.json()["linked"] == 1


async def test_a_member_id_with_a_slash_is_a_member_id(calls: Calls, sessions: Sessions) -> None:
    await a_match(sessions, "team/ada", RECORD)
    http = calls["gateway"]
    assert (await http.post("/links", json={"member_id": "team/ada"})).json()["linked"] == 1
    assert (await http.delete("/links/team%2Fada")).json() == {"state": "excluded"}
    assert (await http.post("/links/team%2Fada/relink")).json() == {"state": "unlinked"}
    assert len((await http.get("/links/team%2Fada/history")).json()["items"]) == 3


@pytest.mark.parametrize(
    "body", [{}, {"member_id": "m1", "all": True}, {"record_id": RECORD}, {"member_ids": []}]
)
async def test_a_wish_that_is_not_clear_is_refused(calls: Calls, body: dict[str, object]) -> None:
    answer = await calls["gateway"].post("/links", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_one_match_run_at_a_time_and_the_second_is_told_which(
    calls: Calls, sessions: Sessions
) -> None:
    http = calls["gateway"]
    started = await http.post("/match-runs", headers={"X-CRMLink-Actor": "key:1"})
    assert (started.status_code, started.json()["status"]) == (202, "queued")
    run_id = started.json()["id"]
    again = await http.post("/match-runs")
    assert (again.status_code, again.json()["code"]) == (409, "run_in_progress")
    assert again.json()["run_id"] == run_id
    assert (await http.get(f"/match-runs/{run_id}")).json()["requested_by"] == "key:1"
    assert (await http.post(f"/match-runs/{run_id}/cancel")).json()["status"] == "cancelling"
    async with sessions.begin() as session:
        for kind in ("link_all", "something else"):
            await Runs(session).start(uuid4(), workspace_id="w1", entity="member", kind=kind)
    listed = (await http.get("/match-runs")).json()
    assert (listed["total"], {run["kind"] for run in listed["items"]}) == (2, {"match", "link_all"})


async def test_reservations_answer_in_the_order_asked(calls: Calls, sessions: Sessions) -> None:
    await a_match(sessions, "m1", RECORD)
    await a_match(sessions, "m2", OTHER)
    async with sessions.begin() as session:
        await DirectoryRepository(session).save({("w1", "m4"): Known(1)}, NOON)
    await calls["gateway"].post("/links", json={"member_id": "m2"})
    items = [{"member_id": one, "intent_id": f"i-{one}"} for one in ("m2", "m1", "m3", "m4")]
    for _ in range(2):
        answer = await calls["sync-outbound"].post("/reservations", json={"items": items})
        assert answer.json() == {
            "items": [
                {
                    "member_id": "m2",
                    "result": "already_linked",
                    "record_id": OTHER,
                    "object": "Contact",
                },
                {"member_id": "m1", "result": "match_proposed"},
                {"member_id": "m3", "result": "unknown_member"},
                {"member_id": "m4", "result": "reserved"},
            ]
        }
    assert (await calls["gateway"].get("/summary")).json()["reservations_open"] == 1


async def test_more_than_a_thousand_reservations_are_too_many(calls: Calls) -> None:
    items = [{"member_id": f"m{n}", "intent_id": "i"} for n in range(1_001)]
    answer = await calls["sync-outbound"].post("/reservations", json={"items": items})
    assert answer.status_code == 422
