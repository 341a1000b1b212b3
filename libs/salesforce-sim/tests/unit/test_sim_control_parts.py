"""Use of the day, the org's clock, transactions, rules and what is asked, by themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.clock import OrgClock
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.faults import Asking, Failure, Filter, Latency, Rules
from crmlink_salesforce_sim.row_faults import RowFaults
from crmlink_salesforce_sim.transactions import Transactions
from crmlink_salesforce_sim.usage import MOST_NAMES, OTHERS, Usage

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ROW = "003dM00000000FOQAY"


def test_use_leaves_the_day_after_24_hours() -> None:
    """Facts §9: 24 hours, rolling."""
    clock = OrgClock(lambda: NOON)
    usage = Usage(1000, clock)
    usage.count("query", 3)
    clock.move(3600)
    usage.count("query", 2)
    clock.move(22.9 * 3600)
    assert usage.used() == 5
    clock.move(0.2 * 3600)
    assert usage.used() == 2
    clock.set_offset(0)  # back in time nothing is lost
    usage.count("query")
    assert usage.used() == 3


def test_the_limit_is_soft_by_one_call_in_a_thousand() -> None:
    """Facts §9: may exceed briefly."""
    usage = Usage(2000, lambda: NOON)
    usage.set_used(2002)
    assert not usage.refuses
    usage.count("query")
    assert usage.refuses
    usage.set_used(0)
    usage.exhaust()
    usage.count("query")
    assert usage.refuses


def test_names_from_outside_are_bounded() -> None:
    usage = Usage(10**6, lambda: NOON)
    for n in range(MOST_NAMES + 50):
        usage.count(f"kind{n}", caller=f"caller{n}")
    kinds, callers = usage.counted()
    assert len(kinds) == len(callers) == MOST_NAMES + 1
    assert kinds[OTHERS] == 50


def test_the_earliest_of_the_running_transactions_is_told() -> None:
    transactions = Transactions()
    with transactions.running(NOON):
        with transactions.running(NOON - timedelta(seconds=5)):
            assert transactions.earliest() == NOON - timedelta(seconds=5)
        assert transactions.earliest() == NOON
    assert transactions.earliest() is None


def test_a_rule_meets_so_many_calls_and_the_same_filter_replaces_it() -> None:
    rules: Rules[Failure] = Rules()
    query = Asking("GET", "query", "query", "Tests")
    rules.add(Filter(kind="query"), Failure(500, "A"), 1)
    rules.add(Filter(kind="query"), Failure(503, "B"), 1)
    assert rules.take(Asking("GET", "limits", "limits")) is None
    assert rules.take(query) == Failure(503, "B")
    assert rules.take(query) is None


def test_a_rule_lets_the_first_calls_pass() -> None:
    rules: Rules[Failure] = Rules()
    query = Asking("GET", "query", "query")
    rules.add(Filter(), Failure(500, "A"), 1, skip=1)
    assert rules.state()[0]["skip"] == 1
    assert [rules.take(query) for _ in range(3)] == [None, Failure(500, "A"), None]


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        (Filter(), True),
        (Filter(method="post"), True),
        (Filter(method="GET"), False),
        (Filter(path="sobjects/*/003*"), True),
        (Filter(path="sobjects"), False),
        (Filter(kind="sob*", client="Te?ts"), True),
        (Filter(client="other"), False),
    ],
)
def test_a_filter_takes_what_fits_it_all(chosen: Filter, taken: object) -> None:
    asking = Asking("POST", "sobjects/Contact/003x", "sobjects", "Tests")
    assert chosen.takes(asking) is taken


def test_latency_is_drawn_from_its_range() -> None:
    assert Latency(100, 100).seconds() == 0.1
    assert Latency(100, 300).seconds(lambda _, most: most) == 0.3


def test_a_lock_ends_by_itself() -> None:
    seconds = [0.0]
    faults = RowFaults(ticks=lambda: seconds[-1])
    faults.lock([ROW[:15]], 10)
    with pytest.raises(ApiError) as caught:
        faults.check("Contact", ROW)
    assert caught.value.code == "UNABLE_TO_LOCK_ROW"
    assert faults.locked() == {ROW: 10}
    seconds.append(10.0)
    faults.check("Contact", ROW)
    assert faults.locked() == {}


@pytest.mark.parametrize("document", [b"[]", b"{", b"1", b"\xff", b"[" * 100_000])
def test_what_is_asked_has_to_be_an_object(document: bytes) -> None:
    with pytest.raises(AskedError) as caught:
        Asked(document)
    assert caught.value.field == "body"


def test_what_nothing_takes_is_refused() -> None:
    asked = Asked(b'{"count": 1, "colour": "red"}')
    assert asked.whole("count", 0) == 1
    with pytest.raises(AskedError) as caught:
        asked.done()
    assert caught.value.body() == {"error": "colour: is not known here", "field": "colour"}
