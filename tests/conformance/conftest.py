"""One simulated org over TLS for each session, and who talks to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import requests
from simple_salesforce.api import Salesforce

from .asking import Asking
from .faulted import Opening, opener
from .own_client import Logins
from .world import LASTING, Control, SimulatedOrg, log_in, running_org


@pytest.fixture(scope="session")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedOrg]:
    with running_org(tmp_path_factory.mktemp("tls")) as started:
        yield started


@pytest.fixture(scope="session")
def control(org: SimulatedOrg) -> Iterator[Control]:
    with org.browser() as http:
        yield Control(http)


@pytest.fixture(scope="session")
def token(org: SimulatedOrg) -> str:
    return str(log_in(org, LASTING)["access_token"])


@pytest.fixture(scope="session")
def ask(org: SimulatedOrg, token: str) -> Iterator[Asking]:
    """Plain HTTP with a token."""
    headers = {"Authorization": f"Bearer {token}", "Sforce-Call-Options": "client=facts"}
    with httpx.Client(
        base_url=org.url, headers=headers, verify=org.trust(), timeout=30, trust_env=False
    ) as http:
        yield Asking(http)


@pytest.fixture
def name() -> Callable[[], str]:
    """Make names nobody else uses: the org is shared."""
    return lambda: f"n{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def session(org: SimulatedOrg) -> Iterator[requests.Session]:
    """What simple-salesforce is given: it trusts the org's own authority."""
    with requests.Session() as opened:
        opened.verify = org.ca
        opened.trust_env = False
        yield opened


@pytest.fixture(scope="session")
def salesforce(org: SimulatedOrg, token: str, session: requests.Session) -> Any:  # noqa: ANN401 - its attributes are whatever objects an org has
    return Salesforce(instance_url=org.url, session_id=token, session=session)


@pytest.fixture(scope="session")
def logins(org: SimulatedOrg) -> Logins:
    return Logins(org)


@pytest.fixture
def opening(org: SimulatedOrg, logins: Logins, control: Control, ask: Asking) -> Iterator[Opening]:
    """Open callers whose calls go wrong; afterwards none do."""
    yield opener(org, logins, control, ask)
    control.reset()
