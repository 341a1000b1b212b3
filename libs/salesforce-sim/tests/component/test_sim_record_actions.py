"""What people do to records in the org's pages: /_sim/records and SOAP."""

from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx
import pytest

from crmlink_salesforce_sim.oauth.server import Server

NAMES = {"p": "urn:partner.soap.sforce.com", "f": "urn:fault.partner.soap.sforce.com"}


async def create(api: httpx.AsyncClient, sobject: str = "Contact", **fields: object) -> str:
    answer = await api.post(f"sobjects/{sobject}", json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def acted(web: httpx.AsyncClient, action: str, **asked: object) -> Any:  # noqa: ANN401 - JSON
    return (await web.post(f"/_sim/records/{action}", json=asked)).json()


async def everything(api: httpx.AsyncClient, sobject: str, record_id: str) -> Any:  # noqa: ANN401 - JSON
    words = ["SELECT IsDeleted, MasterRecordId FROM", sobject, f"WHERE Id = '{record_id}'"]
    found = (await api.get("queryAll", params={"q": " ".join(words)})).json()["records"]
    return found[0] if found else None


async def test_a_merge_leaves_the_losers_in_the_bin_and_moves_what_was_theirs(
    web: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    """Facts §10: losers IsDeleted with MasterRecordId; children are reparented."""
    winner, loser = await create(api, "Account", Name="W"), await create(api, "Account", Name="L")
    child = await create(api, LastName="kid", AccountId=loser)
    told = await acted(web, "merge", master=winner, losers=[loser], values={"Phone": "1"})
    assert (told["losers"], told["moved"]) == ([loser], [child])
    gone = await everything(api, "Account", loser)
    assert (gone["IsDeleted"], gone["MasterRecordId"]) == (True, winner)
    kid = (await api.get(f"sobjects/Contact/{child}?fields=AccountId")).json()
    assert kid["AccountId"] == winner
    assert (await api.get(f"sobjects/Account/{winner}?fields=Phone")).json()["Phone"] == "1"
    [refused] = await acted(web, "merge", master=winner, losers=[loser])
    assert refused["errorCode"] == "ENTITY_IS_DELETED"


async def test_a_lead_is_converted_once(web: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    """Facts §12: converted leads fail for ever."""
    lead = await create(api, "Lead", LastName="L", Company="C")
    done = await acted(web, "convert", lead=lead)
    read = (await api.get(f"sobjects/Lead/{lead}")).json()
    assert (read["IsConverted"], read["ConvertedContactId"]) == (True, done["contact_id"])
    [again] = await acted(web, "convert", lead=lead)
    assert again["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


async def test_the_recycle_bin_gives_back_until_it_is_emptied(
    web: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    """Facts §10: IsDeleted rows in the bin, hard deletes past it."""
    binned, kept = await create(api, LastName="b"), await create(api, LastName="k")
    await api.delete(f"sobjects/Contact/{binned}")
    good, bad = (await acted(web, "undelete", ids=[binned, kept]))["results"]
    assert good == {"id": binned, "success": True, "errors": []}
    assert bad["errors"][0]["statusCode"] == "UNDELETE_FAILED"
    assert (await api.get(f"sobjects/Contact/{binned}")).status_code == 200
    await api.delete(f"sobjects/Contact/{binned}")
    gone = (await acted(web, "purge", ids=[binned, kept, "nonsense"]))["results"]
    assert [one["success"] for one in gone] == [True, True, False]
    for one in (binned, kept):
        assert await everything(api, "Contact", one) is None


async def test_what_is_asked_wrongly_is_said(web: httpx.AsyncClient) -> None:
    assert (await web.post("/_sim/records/fold", json={})).status_code == 404
    for asked in ({}, {"master": "x", "losers": 5}, {"master": "x", "nope": 1}):
        assert (await web.post("/_sim/records/merge", json=asked)).status_code == 400, asked


async def test_jobs_can_be_held(web: httpx.AsyncClient, server: Server) -> None:
    """Facts §7: a job that waits is there to be seen."""
    await web.post("/_sim/jobs", json={"hold": True})
    assert server.org.background.held
    assert (await web.get("/_sim/jobs")).json() == {"hold": True}
    await web.delete("/_sim/jobs")
    assert not server.org.background.held


def envelope(body: str, session: str = "") -> bytes:
    head = f"<u:SessionHeader><u:sessionId>{session}</u:sessionId></u:SessionHeader>"
    return (
        '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
        f' xmlns:u="urn:partner.soap.sforce.com"><e:Header>{head}<u:CallOptions><u:client>Soapy'
        f"</u:client></u:CallOptions></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


async def soap(web: httpx.AsyncClient, body: str, session: str = "") -> ET.Element:
    answer = await web.post("/services/Soap/u/59.0", content=envelope(body, session))
    assert answer.headers["content-type"].startswith("text/xml")
    found = ET.fromstring(answer.content)  # noqa: S314 - our own answer
    fault = found.find(".//faultcode")
    assert answer.status_code == (200 if fault is None else 500)
    return found


def texts(found: ET.Element, name: str) -> list[str | None]:
    return [one.text for one in found.findall(f".//p:{name}", NAMES)]


async def log_in(web: httpx.AsyncClient, username: str, password: str) -> ET.Element:
    inner = f"<u:username>{escape(username)}</u:username><u:password>{escape(password)}"
    return await soap(web, f"<u:login>{inner}</u:password></u:login>")


async def test_a_name_and_a_password_open_a_session(web: httpx.AsyncClient, server: Server) -> None:
    """General knowledge: login of the partner API; a wrong password is INVALID_LOGIN."""
    who = server.identity
    found = await log_in(web, who.username, who.password)
    [session] = texts(found, "sessionId")
    org_id = who.org_id
    assert texts(found, "serverUrl") == [f"http://org.test/services/Soap/u/59.0/{org_id}"]
    limits = "http://org.test/services/data/v59.0/limits"
    assert (
        await web.get(limits, headers={"Authorization": f"Bearer {session}"})
    ).status_code == 200
    wrong = await log_in(web, who.username, "wrong")
    codes = [one.text for one in wrong.findall(".//f:exceptionCode", NAMES)]
    assert codes == ["INVALID_LOGIN"]


@pytest.fixture
async def session(server: Server) -> str:
    return server.tokens.session_of(server.identity.user_id, "api").access


async def test_soap_merges_and_undeletes(
    web: httpx.AsyncClient, api: httpx.AsyncClient, session: str
) -> None:
    """Facts §10: merge; general knowledge: the calls of the partner API."""
    winner = await create(api, LastName="W", Title="old")
    loser = await create(api, LastName="L", DoNotCall=True)
    record = (
        f"<u:masterRecord><s>x</s><u:type>Contact</u:type><u:Id>{winner}</u:Id>"
        "<u:DoNotCall>true</u:DoNotCall><u:fieldsToNull>Title</u:fieldsToNull></u:masterRecord>"
    ).replace("<s>x</s>", "")
    ids = f"<u:recordToMergeIds>{loser}</u:recordToMergeIds>"
    body = f"<u:merge><u:request>{record}{ids}</u:request></u:merge>"
    found = await soap(web, body, session)
    assert (texts(found, "id"), texts(found, "success")) == ([winner], ["true"])
    assert texts(found, "mergedRecordIds") == [loser]
    read = (await api.get(f"sobjects/Contact/{winner}")).json()
    assert (read["Title"], read["DoNotCall"]) == (None, True)
    found = await soap(web, body, session)
    assert texts(found, "statusCode") == ["ENTITY_IS_DELETED"]
    found = await soap(web, f"<u:undelete><u:ids>{loser}</u:ids></u:undelete>", session)
    assert texts(found, "success") == ["true"]
    assert (await api.get(f"sobjects/Contact/{loser}")).status_code == 200


async def test_soap_converts_a_lead(
    web: httpx.AsyncClient, api: httpx.AsyncClient, session: str
) -> None:
    """Facts §12: a converted lead says what it became."""
    lead = await create(api, "Lead", LastName="L", Company="C & D")
    asked = (
        f"<u:leadId>{lead}</u:leadId><u:convertedStatus>Closed - Converted</u:convertedStatus>"
        "<u:doNotCreateOpportunity>true</u:doNotCreateOpportunity>"
    )
    found = await soap(
        web, f"<u:convertLead><u:leadConverts>{asked}</u:leadConverts></u:convertLead>", session
    )
    assert texts(found, "success") == ["true"]
    [account] = texts(found, "accountId")
    assert (await api.get(f"sobjects/Account/{account}?fields=Name")).json()["Name"] == "C & D"
    lead = await create(api, "Lead", LastName="M", Company="C & D")
    asked = f"<u:leadId>{lead}</u:leadId><u:accountId>{account}</u:accountId>"
    found = await soap(
        web, f"<u:convertLead><u:leadConverts>{asked}</u:leadConverts></u:convertLead>", session
    )
    [deal] = texts(found, "opportunityId")
    read = (await api.get(f"sobjects/Opportunity/{deal}?fields=Name,AccountId")).json()
    assert (read["Name"], read["AccountId"]) == ("C & D", account)


async def test_soap_ends_a_session(web: httpx.AsyncClient, session: str) -> None:
    """General knowledge: logout ends the session that it is called in."""
    found = await soap(web, "<u:logout/>", session)
    assert found.findtext(".//faultcode") is None
    fault = await soap(web, "<u:getServerTimestamp/>", session)
    assert fault.findtext(".//faultcode") == "sf:INVALID_SESSION_ID"


async def test_soap_tells_the_time_and_what_is_wrong(web: httpx.AsyncClient, session: str) -> None:
    """General knowledge: getServerTimestamp; faults name their code."""
    found = await soap(web, "<u:getServerTimestamp/>", session)
    assert texts(found, "timestamp") == ["2026-05-01T07:25:37.000Z"]
    for body, whose, code in [
        ("<u:getServerTimestamp/>", "wrong", "INVALID_SESSION_ID"),
        ("<u:describeEverything/>", session, "INVALID_OPERATION"),
    ]:
        fault = await soap(web, body, whose)
        assert fault.findtext(".//faultcode") == f"sf:{code}"
    for content in (b"no xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"<x/>"):
        answer = await web.post("/services/Soap/u/59.0", content=content)
        assert (answer.status_code, b"UNKNOWN_EXCEPTION" in answer.content) == (500, True)
