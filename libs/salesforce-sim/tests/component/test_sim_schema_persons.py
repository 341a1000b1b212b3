"""Person Accounts: one person, an account and a contact."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim.app import create_app
from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.options import Options

ADA = {"FirstName": "Ada", "LastName": "Obi", "PersonEmail": "ada@x.example"}


@pytest.fixture
def server() -> Iterator[Server]:
    amounts = Amounts(accounts=2, contacts=5, leads=2, persons=3)
    made = build(Options(amounts=amounts, person_accounts=True))
    yield made
    made.org.close()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    issued = server.tokens.approve(server.identity.user_id, "api refresh_token")
    transport = httpx.ASGITransport(create_app(server))
    headers = {"Authorization": f"Bearer {issued.access}"}
    base = "http://org.test/services/data/v59.0/"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        yield client


async def person(api: httpx.AsyncClient) -> tuple[str, str]:
    answer = await api.post("sobjects/Account", json={**ADA, "PersonMobilePhone": "1"})
    assert answer.status_code == 201, answer.text
    account = answer.json()["id"]
    return account, (await read(api, "Account", account))["PersonContactId"]


async def read(api: httpx.AsyncClient, name: str, record_id: str) -> Any:  # noqa: ANN401 - JSON
    return (await api.get(f"sobjects/{name}/{record_id}")).json()


async def test_an_account_with_a_last_name_is_a_person_with_a_contact(
    api: httpx.AsyncClient,
) -> None:
    """Facts §10: Contact rows beside Account.PersonEmail and PersonMobilePhone."""
    account, contact = await person(api)
    one, other = await read(api, "Account", account), await read(api, "Contact", contact)
    assert (one["Name"], one["IsPersonAccount"]) == ("Ada Obi", True)
    assert (other["Name"], other["IsPersonAccount"], other["AccountId"]) == (
        "Ada Obi",
        True,
        account,
    )
    assert (other["Email"], other["MobilePhone"]) == ("ada@x.example", "1")
    document = (await api.get("sobjects/Account/describe")).json()
    kinds = {one["developerName"]: one["recordTypeId"] for one in document["recordTypeInfos"]}
    assert one["RecordTypeId"] == kinds["PersonAccount"]


async def test_the_two_halves_keep_in_step(api: httpx.AsyncClient) -> None:
    """Facts §10: a change of one half is a change of the other."""
    account, contact = await person(api)
    body = {"PersonEmail": "new@x.example", "FirstName": "Adah", "Member_Id__pc": "w/1"}
    assert (await api.patch(f"sobjects/Account/{account}", json=body)).status_code == 204
    other = await read(api, "Contact", contact)
    assert (other["Email"], other["Name"]) == ("new@x.example", "Adah Obi")
    assert other["Member_Id__c"] == "w/1"
    body = {"MobilePhone": "2", "LastName": "Lee"}
    assert (await api.patch(f"sobjects/Contact/{contact}", json=body)).status_code == 204
    one = await read(api, "Account", account)
    assert (one["PersonMobilePhone"], one["Name"]) == ("2", "Adah Lee")


async def test_a_company_takes_nothing_of_a_person_and_a_person_no_name(
    api: httpx.AsyncClient,
) -> None:
    """Facts §2: INVALID_FIELD_FOR_INSERT_UPDATE."""
    account, contact = await person(api)
    for method, path, body in [
        ("POST", "sobjects/Account", {"Name": "Acme", "PersonEmail": "x@x.example"}),
        ("POST", "sobjects/Account", {**ADA, "Name": "Ada Obi"}),
        ("PATCH", f"sobjects/Account/{account}", {"Name": "Ada"}),
    ]:
        [error] = (await api.request(method, path, json=body)).json()
        assert error["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert (await api.post("sobjects/Account", json={"Name": "Acme"})).status_code == 201
    kept = await api.delete(f"sobjects/Contact/{contact}")
    assert kept.json()[0]["errorCode"] == "DELETE_FAILED"
    assert (await api.delete(f"sobjects/Account/{account}")).status_code == 204
    assert (await api.get(f"sobjects/Contact/{contact}")).status_code == 404


async def test_an_org_with_person_accounts_has_some_from_the_start(
    api: httpx.AsyncClient, server: Server
) -> None:
    """Facts §10: both halves are there, with one address."""
    text = "SELECT PersonEmail, PersonContactId FROM Account WHERE IsPersonAccount = true"
    found = (await api.get("query", params={"q": text})).json()["records"]
    assert len(found) == 3
    for one in found:
        contact = await read(api, "Contact", one["PersonContactId"])
        assert contact["Email"] == one["PersonEmail"]
