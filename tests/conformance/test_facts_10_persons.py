"""Facts §10: Person Accounts, in an org that has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from .asking import Asking
from .world import log_in, running_org

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]


@pytest.fixture(scope="module")
def persons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with running_org(tmp_path_factory.mktemp("persons"), "--person-accounts") as org:
        held = {"Authorization": f"Bearer {log_in(org)['access_token']}"}
        with httpx.Client(base_url=org.url, headers=held, verify=org.trust(), timeout=30) as http:
            yield Asking(http)


@fact("F10.16")
def test_a_person_account_is_a_contact_too(persons: Asking, name: Names) -> None:
    last = name()
    email = f"{last}@example.com"
    types = persons.describe("Account")["recordTypeInfos"]
    person = next(one["recordTypeId"] for one in types if "Person" in one["name"])
    made = persons.create("Account", LastName=last, RecordTypeId=person, PersonEmail=email)
    soql = f"SELECT Id, Email, LastName FROM Contact WHERE AccountId = '{made}'"  # noqa: S608 - SOQL
    [row] = persons.rows(soql)
    assert (row["Email"], row["LastName"]) == (email, last)
    where = f"WHERE PersonEmail = '{email}'"
    [found] = persons.rows(f"SELECT Id, IsPersonAccount FROM Account {where}")  # noqa: S608 - SOQL
    assert (found["Id"], found["IsPersonAccount"]) == (made, True)
