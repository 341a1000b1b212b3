"""getUpdated and getDeleted over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.api.replication import MOST_IDS, UPDATED_KEPT, window_of
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.oauth.server import Server

Clock = Any  # of conftest
NOW = datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC)


async def asked(api: httpx.AsyncClient, kind: str, start: str, end: str) -> Any:  # noqa: ANN401 - JSON
    params = {"start": start, "end": end}
    return (await api.get(f"sobjects/Contact/{kind}/", params=params)).json()


async def create(api: httpx.AsyncClient, name: str) -> str:
    return str((await api.post("sobjects/Contact", json={"LastName": name})).json()["id"])


async def test_what_was_written_in_the_window_is_told_and_how_far_it_reaches(
    api: httpx.AsyncClient, clock: Clock
) -> None:
    """Facts §10: getUpdated uses SystemModstamp, seconds are ignored."""
    made = await create(api, "a")
    early = await asked(api, "updated", "2026-05-01T07:24:59Z", "2026-05-01T07:25:59Z")
    assert made not in early["ids"]
    assert early["latestDateCovered"] == "2026-05-01T07:25:00.000+0000"
    clock.pass_seconds(60)
    found = await asked(api, "updated", "2026-05-01T07:25:50+00:00", "2026-05-01T08:26:00Z")
    assert made in found["ids"]
    assert found["latestDateCovered"] == "2026-05-01T07:26:00.000+0000"
    await api.delete(f"sobjects/Contact/{made}")
    assert (
        made not in (await asked(api, "updated", "2026-05-01T07:25Z", "2026-05-01T07:30Z"))["ids"]
    )


async def test_an_offset_whose_plus_was_not_encoded_is_understood(api: httpx.AsyncClient) -> None:
    """Facts §3: a plus is to be encoded as %2B."""
    window = "start=2026-05-01T07:00:00+00:00&end=2026-05-01T07:25:00+00:00"
    answer = await api.get(f"sobjects/Contact/updated/?{window}")
    assert answer.status_code == 200, answer.text


async def test_deletions_are_told_of_the_bin_and_of_what_is_past_it(
    api: httpx.AsyncClient, server: Server, clock: Clock
) -> None:
    """Facts §10: deletedRecords with deletedDate, earliestDateAvailable, 15 days."""
    binned, gone = await create(api, "binned"), await create(api, "gone")
    await api.delete(f"sobjects/Contact/{binned}")
    with server.org.writing(server.identity.user_id, "") as writer:
        writer.hard_delete(server.org.schema.required("Contact"), gone)
    clock.pass_seconds(60)
    found = await asked(api, "deleted", "2026-05-01T07:25:00Z", "2026-05-01T07:26:00Z")
    told = {one["id"]: one["deletedDate"] for one in found["deletedRecords"]}
    assert told == dict.fromkeys((binned, gone), "2026-05-01T07:25:37.000+0000")
    assert found["earliestDateAvailable"] == "2026-04-16T07:26:00.000+0000"
    assert found["latestDateCovered"] == "2026-05-01T07:26:00.000+0000"


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("updated", "2026-05-01T07:25:01Z", "2026-05-01T07:25:59Z"),
        ("updated", "2026-05-01T07:25:00Z", "2026-05-01T07:24:00Z"),
        ("updated", "2026-03-31T07:25:00Z", "2026-05-01T07:24:00Z"),
        ("updated", "yesterday", "2026-05-01T07:24:00Z"),
        ("updated", "0001-01-01T00:00:00+10:00", "2026-05-01T07:24:00Z"),
        ("deleted", "2026-05-01T07:24:00Z", "9999-12-31T23:59:59-14:00"),
        ("deleted", "2026-04-15T07:25:00Z", "2026-05-01T07:24:00Z"),
    ],
)
async def test_a_window_that_is_none_or_too_old_is_refused(
    api: httpx.AsyncClient, kind: str, start: str, end: str
) -> None:
    """Facts §10: INVALID_REPLICATION_DATE."""
    [error] = await asked(api, kind, start, end)
    assert error["errorCode"] == "INVALID_REPLICATION_DATE"


def test_a_transaction_that_runs_holds_the_window_back() -> None:
    """Facts §10: latestDateCovered equals the start of a long transaction."""
    begun = NOW - timedelta(minutes=20)
    start, end = "2026-05-01T06:00:00Z", "2026-05-01T07:20:00Z"
    free = window_of(start, end, NOW, None, UPDATED_KEPT)
    assert free.covered == datetime(2026, 5, 1, 7, 20, tzinfo=UTC)
    assert window_of(start, end, NOW, begun, UPDATED_KEPT).covered == begun
    later = window_of(start, "2026-05-01T09:00:00Z", NOW, None, UPDATED_KEPT)
    assert later.covered == datetime(2026, 5, 1, 7, 25, tzinfo=UTC)


async def test_a_running_write_holds_the_answer_back(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §10: timestamps are set at write, visible only at commit."""
    with server.org.transactions.running(NOW - timedelta(minutes=5)):
        found = await asked(api, "updated", "2026-05-01T07:00:00Z", "2026-05-01T07:25:00Z")
    assert found["latestDateCovered"] == "2026-05-01T07:20:37.000+0000"


async def test_more_ids_than_an_answer_takes_are_refused(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts §10: 600,000 ids, EXCEEDED_ID_LIMIT."""
    assert MOST_IDS == 600_000
    monkeypatch.setattr("crmlink_salesforce_sim.api.replication.MOST_IDS", 0)
    await create(api, "a")
    [error] = await asked(api, "updated", "2026-05-01T07:25:00Z", "2026-05-01T07:26:00Z")
    assert error["errorCode"] == "EXCEEDED_ID_LIMIT"
    with pytest.raises(ApiError, match="MISSING_ARGUMENT"):
        window_of("", "2026-05-01T07:26:00Z", NOW, None, UPDATED_KEPT)
