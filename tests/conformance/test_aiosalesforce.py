"""aiosalesforce, unmodified: it insists on a Salesforce host name, which a transport redirects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from aiosalesforce import Salesforce
from aiosalesforce.auth import Auth
from aiosalesforce.bulk.v2.ingest import JobResult
from aiosalesforce.events import Event, RetryEvent
from aiosalesforce.exceptions import MoreThanOneRecordError, NotFoundError, SalesforceError
from simple_salesforce.format import format_soql

from .redirected import HOST, Redirected
from .world import Control, SimulatedOrg, log_in

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
Names = Callable[[], str]


class LoggedIn(Auth):
    """A person's login; each renewal is another one."""

    def __init__(self, org: SimulatedOrg) -> None:
        super().__init__()
        self._org = org
        self.logins = 0

    async def _acquire_new_access_token(self, client: Salesforce) -> str:
        self.logins += 1
        told = await asyncio.to_thread(log_in, self._org)
        return str(told["access_token"])


@pytest.fixture
async def http(org: SimulatedOrg) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Redirected(org), timeout=30) as opened:
        yield opened


@pytest.fixture
def auth(org: SimulatedOrg) -> LoggedIn:
    return LoggedIn(org)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def salesforce(http: httpx.AsyncClient, auth: LoggedIn, events: list[Event]) -> Salesforce:
    return Salesforce(http, HOST, auth, event_hooks=[events.append])


async def rows(salesforce: Salesforce, soql: str) -> list[dict[str, object]]:
    return [row async for row in salesforce.query(soql)]


async def done(jobs: AsyncIterator[JobResult]) -> list[JobResult]:
    return [job async for job in jobs]


async def test_a_record_lives_from_create_to_delete(salesforce: Salesforce, name: Names) -> None:
    last = name()
    made = await salesforce.sobject.create("Contact", {"LastName": last})
    await salesforce.sobject.update("Contact", made, {"FirstName": "Ada"})
    found = await salesforce.sobject.get("Contact", made, fields=["FirstName", "LastName"])
    assert (found["FirstName"], found["LastName"]) == ("Ada", last)
    await salesforce.sobject.delete("Contact", made)
    with pytest.raises(NotFoundError):
        await salesforce.sobject.get("Contact", made)


async def test_an_upsert_creates_then_updates(salesforce: Salesforce, name: Names) -> None:
    key = name()
    data = {"LastName": key, "Member_Id__c": key}
    first = await salesforce.sobject.upsert("Contact", key, "Member_Id__c", data)
    again = await salesforce.sobject.upsert("Contact", key, "Member_Id__c", data)
    assert (first.created, again.created, again.id) == (True, False, first.id)
    found = await salesforce.sobject.get("Contact", key, external_id_field="Member_Id__c")
    assert found["Id"] == first.id
    await salesforce.sobject.delete("Contact", key, external_id_field="Member_Id__c")
    with pytest.raises(NotFoundError):
        await salesforce.sobject.get("Contact", key, external_id_field="Member_Id__c")


async def test_an_ambiguous_key_is_more_than_one_record(
    salesforce: Salesforce, name: Names
) -> None:
    email = f"{name()}@example.com"
    for last in ("Ann", "Bob"):
        await salesforce.sobject.create("Contact", {"LastName": last, "Email": email})
    with pytest.raises(MoreThanOneRecordError):
        await salesforce.sobject.upsert("Contact", email, "Email", {"LastName": "Cy"})


async def test_refusals_carry_the_org_s_code(salesforce: Salesforce) -> None:
    with pytest.raises(SalesforceError) as refused:
        await salesforce.sobject.create("Contact", {"FirstName": "Ada"})
    assert refused.value.error_code == "REQUIRED_FIELD_MISSING"
    with pytest.raises(SalesforceError) as refused:
        await rows(salesforce, "SELECT Nothing FROM Contact")
    assert refused.value.error_code == "INVALID_FIELD"


async def test_rows_and_limits_are_read(salesforce: Salesforce, name: Names) -> None:
    last = name()
    made = await salesforce.sobject.create("Contact", {"LastName": last})
    assert [
        row["Id"]
        for row in await rows(
            salesforce, format_soql("SELECT Id FROM Contact WHERE LastName = {}", last)
        )
    ] == [made]
    await salesforce.sobject.delete("Contact", made)
    gone = salesforce.query(
        format_soql("SELECT Id FROM Contact WHERE LastName = {}", last), include_all_records=True
    )
    assert [row["Id"] async for row in gone] == [made]
    assert (await salesforce.get_limits())["DailyApiRequests"]["Max"] == 100_000


async def test_a_composite_refers_to_its_own_results(salesforce: Salesforce, name: Names) -> None:
    async with salesforce.composite(all_or_none=True) as call:
        account = call.sobject.create("Account", {"Name": name()})
        contact = call.sobject.create(
            "Contact", {"LastName": name(), "AccountId": str(account.reference.id)}
        )
        query = call.query("SELECT COUNT() FROM Contact")
    found = await salesforce.sobject.get("Contact", contact.id)
    assert found["AccountId"] == account.id
    assert query.records == []


async def test_a_composite_that_fails_leaves_nothing(salesforce: Salesforce, name: Names) -> None:
    company = name()
    async with salesforce.composite(all_or_none=True) as call:
        good = call.sobject.create("Account", {"Name": company})
        bad = call.sobject.create("Contact", {"FirstName": "Ada"})
    assert (good.status_code, bad.status_code) == (400, 400)
    assert good.response["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert (
        await rows(salesforce, format_soql("SELECT Id FROM Account WHERE Name = {}", company)) == []
    )


async def test_a_batch_does_each_by_itself(salesforce: Salesforce, name: Names) -> None:
    last = name()
    async with salesforce.composite.batch() as batch:
        made = batch.sobject.create("Contact", {"LastName": last})
        wrong = batch.sobject.create("Contact", {"FirstName": "Ada"})
        query = batch.query(format_soql("SELECT LastName FROM Contact WHERE LastName = {}", last))
    assert (made.is_success, wrong.is_success, wrong.status_code) == (True, False, 400)
    assert [row["LastName"] for row in query.records] == [last]


async def test_bulk_2_writes_and_tells_what_became_of_each(
    salesforce: Salesforce, name: Names
) -> None:
    mark = name()
    ingest = salesforce.bulk_v2.ingest
    data = [{"LastName": mark, "Email": f"{n}@example.com" if n else "nobody"} for n in range(20)]
    [told] = await done(ingest.perform_operation("insert", "Contact", data, polling_interval=0.1))
    assert told.job_info.state == "JobComplete"
    assert len(told.successful_results) == 19
    [failed] = told.failed_results
    assert failed["sf__Error"].startswith("INVALID_EMAIL_ADDRESS")
    ids = [{"Id": one["sf__Id"]} for one in told.successful_results]
    [gone] = await done(ingest.perform_operation("delete", "Contact", ids, polling_interval=0.1))
    assert len(gone.successful_results) == 19
    assert (
        await rows(salesforce, format_soql("SELECT Id FROM Contact WHERE LastName = {}", mark))
        == []
    )


async def test_a_job_can_be_aborted_listed_and_deleted(salesforce: Salesforce) -> None:
    ingest = salesforce.bulk_v2.ingest
    job = await ingest.create_job("update", "Contact")
    assert (job.state, job.job_type, job.content_type) == ("Open", "V2Ingest", "CSV")
    assert (await ingest.abort_job(job.id)).state == "Aborted"
    assert job.id in [one.id async for one in ingest.list_jobs()]
    await ingest.delete_job(job.id)
    with pytest.raises(NotFoundError):
        await ingest.get_job(job.id)


async def test_calls_that_fail_for_a_while_are_repeated(
    salesforce: Salesforce, control: Control, events: list[Event]
) -> None:
    await salesforce.get_limits()
    control.tell("fail", {"count": 2, "status": 503, "code": "SERVER_UNAVAILABLE"})
    assert await salesforce.get_limits()
    assert [one.attempt for one in events if isinstance(one, RetryEvent)] == [1, 2]


async def test_an_ended_session_is_renewed_once(
    salesforce: Salesforce, auth: LoggedIn, org: SimulatedOrg
) -> None:
    await salesforce.get_limits()
    with org.browser() as http:
        used = await auth.get_access_token(salesforce)
        http.post("/services/oauth2/revoke", data={"token": used})
    assert await salesforce.get_limits()
    assert auth.logins == 2
