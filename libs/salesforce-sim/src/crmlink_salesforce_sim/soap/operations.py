"""The calls of the SOAP API that are answered."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.record_actions import Outcome, People
from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.soap.envelope import Element, Message, raw, tag
from crmlink_salesforce_sim.times import written

_NO_VALUES = ("type", "Id", "fieldsToNull")


@dataclass(frozen=True)
class SoapCall:
    """A call by a person who is logged in."""

    server: Server
    people: People
    asked: Element
    session: str


Answer = list[str]


def log_in(server: Server, message: Message, origin: str, version: str) -> Answer:
    """Open a session for a name and a password; a security token after it is not needed here."""
    asked = message.operation
    user = server.log_in(asked.value("username"), asked.value("password"))
    if user is None:
        reason = "Invalid username, password, security token; or user locked out."
        raise ApiError("INVALID_LOGIN", reason, 500)
    issued = server.tokens.session_of(user, "api")
    org_id = server.identity.org_id
    services = f"{origin}/services/Soap"
    seconds = str(int(server.tokens.session_seconds))
    about = [
        tag("organizationId", org_id),
        tag("sessionSecondsValid", seconds),
        tag("userId", user),
        tag("userName", server.identity.username),
    ]
    told = [
        tag("metadataServerUrl", f"{services}/m/{version}/{org_id}"),
        tag("passwordExpired", value=False),
        tag("sandbox", value=False),
        tag("serverUrl", f"{services}/u/{version}/{org_id}"),
        tag("sessionId", issued.access),
        tag("userId", user),
        raw("userInfo", *about),
    ]
    return ["".join(told)]


def server_time(call: SoapCall) -> Answer:
    """Tell the org's time."""
    moment = written(call.server.org.now()).replace("+0000", "Z")
    return [tag("timestamp", moment)]


def log_out(call: SoapCall) -> Answer:
    """End the session of the call."""
    call.server.tokens.revoke(call.session)
    return []


def merge(call: SoapCall) -> Answer:
    """Merge records, request by request."""
    return [_attempt(partial(_merged, call, one)) for one in call.asked.all("request")]


def _merged(call: SoapCall, request: Element) -> str:
    master = request.find("masterRecord") or Element("masterRecord")
    losers = [one.text for one in request.all("recordToMergeIds")]
    sobject = call.server.org.schema.find(master.value("type"))
    if sobject is None:
        raise ApiError("INVALID_TYPE", f"sObject type '{master.value('type')}' is not supported.")
    done = call.people.merge(master.value("Id"), losers, _values(sobject, master))
    return "".join(
        [
            tag("id", done.master),
            *(tag("mergedRecordIds", one) for one in done.losers),
            tag("success", value=True),
            *(tag("updatedRelatedIds", one) for one in done.moved),
        ]
    )


def _values(sobject: SObject, record: Element) -> dict[str, object]:
    emptied: dict[str, object] = {one.text: None for one in record.all("fieldsToNull")}
    given: dict[str, object] = {}
    for one in record.children:
        if one.name not in _NO_VALUES:
            field = sobject.find(one.name)
            truth = field is not None and field.type == "boolean"
            given[one.name] = one.text.lower() == "true" if truth else one.text or None
    return emptied | given


def convert_lead(call: SoapCall) -> Answer:
    """Convert leads; an opportunity is made unless that is not wanted."""
    leads = call.asked.all("leadConverts")
    return [_attempt(partial(_converted, call, one)) for one in leads]


def _converted(call: SoapCall, asked: Element) -> str:
    opportunity = None
    if asked.value("doNotCreateOpportunity").lower() != "true":
        opportunity = asked.value("opportunityName") or ""
    done = call.people.convert(
        asked.value("leadId"),
        account=asked.value("accountId") or None,
        contact=asked.value("contactId") or None,
        opportunity=opportunity,
        status=asked.value("convertedStatus") or None,
    )
    return "".join(
        [
            tag("accountId", done.account_id),
            tag("contactId", done.contact_id),
            tag("leadId", done.lead_id),
            tag("opportunityId", done.opportunity_id),
            tag("success", value=True),
        ]
    )


def undelete(call: SoapCall) -> Answer:
    """Take records out of the recycle bin."""
    return _outcomes(call.people.undelete([one.text for one in call.asked.all("ids")]))


def empty_recycle_bin(call: SoapCall) -> Answer:
    """Take records of the recycle bin away for ever."""
    return _outcomes(call.people.empty([one.text for one in call.asked.all("ids")]))


def _outcomes(outcomes: list[Outcome]) -> Answer:
    return [
        _failed(one.error, one.record_id)
        if one.error
        else tag("id", one.record_id) + tag("success", value=True)
        for one in outcomes
    ]


def _attempt(act: Callable[[], str]) -> str:
    try:
        return act()
    except ApiError as exc:
        return _failed(exc, None)


def _failed(error: ApiError, record_id: str | None) -> str:
    told = raw(
        "errors",
        *(tag("fields", one) for one in error.fields or []),
        tag("message", error.message),
        tag("statusCode", error.code),
    )
    return told + tag("id", record_id) + tag("success", value=False)


OPERATIONS: dict[str, Callable[[SoapCall], Answer]] = {
    "getServerTimestamp": server_time,
    "logout": log_out,
    "merge": merge,
    "convertLead": convert_lead,
    "undelete": undelete,
    "emptyRecycleBin": empty_recycle_bin,
}
