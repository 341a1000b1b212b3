from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crmlink_tools.traces import AGAIN_AFTER, Traces

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_same_refusal_is_told_once_an_hour_and_each_code_by_itself() -> None:
    times = [NOON]
    traces = Traces(now=lambda: times[-1])

    def told(workspace_id: str, code: str) -> int:
        return len(traces.of_refusal(workspace_id, "salesforce_query", code))

    assert [told("w1", "error") for _ in range(3)] == [1, 0, 0]
    assert [told("w1", "not_connected"), told("w2", "error")] == [1, 1]
    times.append(NOON + AGAIN_AFTER - timedelta(seconds=1))
    assert told("w1", "error") == 0
    times.append(NOON + AGAIN_AFTER)
    assert told("w1", "error") == 1


def test_what_is_remembered_is_bounded() -> None:
    traces = Traces(now=lambda: NOON, most=2)
    for n in range(5):
        assert traces.of_refusal(f"w{n}", "salesforce_query", "error")
    assert traces.of_refusal("w4", "salesforce_query", "error") == []
    assert traces.of_refusal("w0", "salesforce_query", "error")
