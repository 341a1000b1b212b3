"""The ways in that public clients know by themselves; only the host is redirected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from aiosalesforce import Salesforce as AioSalesforce
from aiosalesforce.auth import Auth, ClientCredentialsFlow, JwtBearerFlow, SoapLogin
from aiosalesforce.exceptions import AuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from .redirected import HOST, Redirected
from .world import Control, SimulatedOrg

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
COUNT = "SELECT COUNT() FROM Contact"


class RedirectedAdapter(HTTPAdapter):
    """Sends to the org what was meant for a host of Salesforce's; changes nothing else."""

    def __init__(self, org: SimulatedOrg) -> None:
        super().__init__()
        self._to = urlsplit(org.url).netloc

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> requests.Response:  # noqa: ANN401 - as it is called
        parts = urlsplit(request.url or "")
        request.url = parts._replace(netloc=self._to).geturl()
        return super().send(request, *rest, **more)


@pytest.fixture(scope="module")
def session(org: SimulatedOrg) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.verify = org.ca
        opened.trust_env = False
        opened.mount("https://", RedirectedAdapter(org))
        yield opened


@pytest.fixture
async def http(org: SimulatedOrg) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Redirected(org), timeout=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def key_file(control: Control, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A private key whose certificate the app knows."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "conformance")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    made = builder.not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    control.tell("app", {"certificate": pem})
    file = tmp_path_factory.mktemp("key") / "key.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    yield file
    control.reset()


def test_name_and_password_by_soap(org: SimulatedOrg, session: requests.Session) -> None:
    client = Salesforce(
        username=org.username, password=org.password, security_token="", session=session
    )
    assert client.query(COUNT)["totalSize"] > 0
    client.session_id = "00Dx!ended"
    client._generate_headers()
    assert client.query(COUNT)["totalSize"] > 0  # it logs in again by itself


def test_a_wrong_password_is_refused(org: SimulatedOrg, session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(username=org.username, password="no", security_token="", session=session)
    assert refused.value.code == "INVALID_LOGIN"


def test_the_app_s_name_and_password_flow(org: SimulatedOrg, session: requests.Session) -> None:
    client = Salesforce(
        username=org.username,
        password=org.password,
        consumer_key=org.client_id,
        consumer_secret=org.client_secret,
        session=session,
    )
    assert client.query(COUNT)["totalSize"] > 0


def test_the_app_s_own_credentials(org: SimulatedOrg, session: requests.Session) -> None:
    client = Salesforce(
        consumer_key=org.client_id,
        consumer_secret=org.client_secret,
        domain="practice.my",
        session=session,
    )
    assert client.query(COUNT)["totalSize"] > 0


def test_a_signed_assertion(org: SimulatedOrg, session: requests.Session, key_file: Path) -> None:
    client = Salesforce(
        username=org.username,
        consumer_key=org.client_id,
        privatekey_file=str(key_file),
        session=session,
    )
    assert client.query(COUNT)["totalSize"] > 0


@pytest.mark.parametrize("way", ["soap", "credentials", "assertion"])
async def test_the_classes_of_aiosalesforce(
    org: SimulatedOrg, http: httpx.AsyncClient, key_file: Path, way: str
) -> None:
    ways: dict[str, Auth] = {
        "soap": SoapLogin(org.username, org.password, ""),
        "credentials": ClientCredentialsFlow(org.client_id, org.client_secret),
        "assertion": JwtBearerFlow(org.client_id, org.username, key_file),
    }
    assert await AioSalesforce(http, HOST, ways[way]).get_limits()


async def test_aiosalesforce_is_told_of_wrong_credentials(
    org: SimulatedOrg, http: httpx.AsyncClient
) -> None:
    auth = ClientCredentialsFlow(org.client_id, "wrong")
    with pytest.raises(AuthenticationError) as refused:
        await AioSalesforce(http, HOST, auth).get_limits()
    assert refused.value.error_code == "invalid_client"
