"""Facts §9: how many calls an org takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from .asking import Asking
from .world import Control

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact


@pytest.fixture
def faults(control: Control) -> Iterator[Control]:
    yield control
    control.reset()


@fact("F9.2", "F9.3")
def test_the_daily_limit_is_soft(ask: Asking, faults: Control) -> None:
    faults.tell("limits", {"max": 15_000, "used": 15_000})
    answer = ask.send("GET", "sobjects")
    assert answer.status_code == 200
    assert answer.headers["sforce-limit-info"] == "api-usage=15001/15000"
    faults.tell("limits", {"used": 16_000})
    told = ask.refused("GET", "sobjects")
    assert (told.status, told.code) == (403, "REQUEST_LIMIT_EXCEEDED")


@fact("F2.11", "F9.4")
def test_only_some_long_calls_run_at_once(ask: Asking, faults: Control) -> None:
    usual = faults.http.get("/_sim/limits").json()
    assert (usual["long_call_seconds"], usual["most_long_calls"]) == (20, 25)
    faults.tell("limits", {"long_call_seconds": 0.1, "most_long_calls": 1})
    faults.tell("latency", {"ms": 1200, "count": 1})
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(ask.send, "GET", "limits")
        time.sleep(0.5)
        told = ask.refused("GET", "sobjects")
        assert long.result().status_code == 200
    assert (told.status, told.code) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert told.message.startswith("Concurrent")
    assert ask.send("GET", "sobjects").status_code == 200
