"""Answers that do not arrive, over real sockets."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

pytestmark = pytest.mark.integration

FEW = ["--accounts", "2", "--contacts", "2", "--leads", "2"]
CONTACTS = "/services/data/v59.0/sobjects/Contact"


@contextmanager
def running() -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", "--control", *FEW]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = json.loads(process.stdout.readline())
        form = {
            "grant_type": "client_credentials",
            "client_id": told["client_id"],
            "client_secret": told["client_secret"],
        }
        with httpx.Client(base_url=told["url"], timeout=10) as client:
            issued = client.post("/services/oauth2/token", data=form).json()
            client.headers["Authorization"] = f"Bearer {issued['access_token']}"
            yield client, process
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


@pytest.fixture(scope="module")
def org() -> Iterator[httpx.Client]:
    with running() as (client, _):
        yield client


def found(org: httpx.Client, name: str) -> int:
    query = f"SELECT COUNT() FROM Contact WHERE LastName = '{name}'"  # noqa: S608 - SOQL of this test
    return int(org.get("/services/data/v59.0/query", params={"q": query}).json()["totalSize"])


def test_a_dropped_answer_leaves_the_write_done(org: httpx.Client) -> None:
    assert org.post("/_sim/answers", json={"fault": "drop"}).status_code == 204
    with pytest.raises(httpx.RemoteProtocolError):
        org.post(CONTACTS, json={"LastName": "Dropped"})
    assert found(org, "Dropped") == 1


def test_a_dropped_call_that_is_not_done_leaves_nothing(org: httpx.Client) -> None:
    org.post("/_sim/answers", json={"fault": "drop", "done": False})
    with pytest.raises(httpx.RemoteProtocolError):
        org.post(CONTACTS, json={"LastName": "Lost"})
    assert found(org, "Lost") == 0


def test_a_late_write_is_done_after_the_caller_has_gone(org: httpx.Client) -> None:
    org.post("/_sim/answers", json={"fault": "late", "seconds": 0.6})
    with pytest.raises(httpx.ReadTimeout):
        org.post(CONTACTS, json={"LastName": "Late"}, timeout=0.2)
    assert found(org, "Late") == 0
    deadline = time.monotonic() + 10
    while found(org, "Late") == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found(org, "Late") == 1


def test_a_truncated_answer_ends_before_its_length(org: httpx.Client) -> None:
    org.post("/_sim/answers", json={"fault": "truncate", "kind": "limits"})
    with pytest.raises(httpx.RemoteProtocolError):
        org.get("/services/data/v59.0/limits")
    assert org.get("/services/data/v59.0/limits").status_code == 200


def test_what_waits_is_done_when_the_org_stops() -> None:
    with running() as (org, process), ThreadPoolExecutor(1) as pool:
        org.post("/_sim/late-commits", json={"seconds": 600})
        waiting = pool.submit(org.post, CONTACTS, json={"LastName": "Waiting"})
        while not org.get("/_sim/late-commits").json()["running"]:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert waiting.result(timeout=10).status_code == 201
