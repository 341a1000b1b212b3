"""Facts §0: versions."""

from __future__ import annotations

import httpx
import pytest

from .asking import Asking
from .world import SimulatedOrg

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact


@fact("F0.1", "F0.4", "F0.5", "F0.6")
def test_versions_are_listed_without_a_token(org: SimulatedOrg) -> None:
    with org.browser() as browser:
        told = browser.get("/services/data").json()
    numbers = [float(one["version"]) for one in told]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers.index(66.0)) == (31.0, 35)
    assert all(set(one) == {"label", "url", "version"} for one in told)
    labels = {one["version"]: one["label"] for one in told}
    assert labels["65.0"].startswith("Winter")
    assert labels["66.0"].startswith("Spring")
    assert all(one["url"] == f"/services/data/v{one['version']}" for one in told)


@fact("F0.3")
@pytest.mark.parametrize("version", ["7.0", "20.0", "21.0", "30.0"])
def test_a_retired_version_is_gone(ask: Asking, version: str) -> None:
    answer = ask.at(version).send("GET", "limits")
    assert answer.status_code == httpx.codes.GONE
