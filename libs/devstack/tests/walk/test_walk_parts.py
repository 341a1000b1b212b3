from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from crmlink_common.contracts.member_changes import FieldChange
from crmlink_common.contracts.members import Member
from crmlink_devstack.walk.comparison import creatable, differences, reachable
from crmlink_devstack.walk.config import walk_config
from crmlink_devstack.walk.login import log_in
from crmlink_devstack.walk.report import Report
from crmlink_devstack.walk.surfaces import Surfaces, WalkError
from crmlink_devstack.walk.upstream import apply

ADA = Member(
    workspace_id="w1",
    member_id="m1",
    version=3,
    email="ada@example.com",
    phone="+442079460123",
    first_name="Ada",
    last_name="Lovelace",
    fields={"plan": "gold"},
)
RECORD = {
    "Id": "003000000000001AAA",
    "Email": "ADA@example.com",
    "Phone": "+442079460123",
    "FirstName": "Ada",
    "LastName": "Lovelace",
}


def test_a_pair_whose_sides_agree_has_no_difference() -> None:
    assert differences(walk_config(), [(ADA, RECORD)]) == []


@pytest.mark.parametrize("field", ["Phone", "FirstName", "LastName", "Email"])
def test_every_field_that_differs_is_found(field: str) -> None:
    [found] = differences(walk_config(), [(ADA, {**RECORD, field: "other"})])
    assert (found.member_id, found.remote_field) == ("m1", field)


def test_a_blank_member_side_is_no_difference_where_empty_means_skip() -> None:
    blank = ADA.model_copy(update={"phone": ""})
    assert differences(walk_config(), [(blank, RECORD)]) == []


def test_a_linked_member_that_the_filter_leaves_out_is_not_compared() -> None:
    unreachable = ADA.model_copy(update={"email": ""})
    assert differences(walk_config(), [(unreachable, {**RECORD, "Phone": "other"})]) == []


def test_one_record_is_expected_for_each_new_address() -> None:
    members = [
        ADA,
        ADA.model_copy(update={"member_id": "m2", "email": "Ada@Example.com"}),
        ADA.model_copy(update={"member_id": "m3", "email": "grace@example.com"}),
        ADA.model_copy(update={"member_id": "m4", "email": ""}),
        ADA.model_copy(
            update={"member_id": "m5", "email": "x@example.com", "first_name": "", "last_name": ""}
        ),
    ]
    members[0] = ADA.model_copy(update={"phone": ""})
    members[1] = members[1].model_copy(update={"phone": ""})
    org = reachable(
        [{"Email": "GRACE@example.com", "Phone": None}, {"Email": None, "Phone": "020 7946 0123"}]
    )
    assert creatable(members, walk_config(), org) == {"ada@example.com"}
    called = reachable([{"Email": None, "MobilePhone": "+44 20 7946 0123"}])
    assert creatable([ADA], walk_config(), called) == frozenset()


def test_upstream_does_what_is_asked_where_the_field_is_as_expected() -> None:
    changes = [
        FieldChange(field="fields.salesforce:id", value="003"),
        FieldChange(field="phone", expected="+442079460123", value="+1"),
        FieldChange(field="first_name", expected="Grace", value="No"),
        FieldChange(field="fields.plan", expected="gold", unset=True),
    ]
    after = apply(ADA, changes)
    assert after.fields == {"salesforce:id": "003"}
    assert (after.phone, after.first_name) == ("+1", "Ada")


def test_a_request_that_changes_nothing_gives_the_same_member() -> None:
    assert apply(ADA, [FieldChange(field="phone", expected="other", value="+1")]) is ADA


def test_a_failed_step_is_told_and_fails_the_report() -> None:
    report = Report()
    with report.step("first"):
        pass
    with pytest.raises(WalkError), report.step("second"):
        raise WalkError("not seen")
    assert not report.ok
    assert [(s["ok"], s["seen"]) for s in report.as_json()["steps"]] == [
        (True, ""),
        (False, "not seen"),
    ]


def surfaces() -> Surfaces:
    return Surfaces(
        gateway_url="http://gateway",
        workspace_id="w1",
        api_key="key",
        kafka="127.0.0.1:1",
        org_url="http://org",
        client_id="id",
        client_secret="secret",
        username="ada",
        password="pass",
        members_file=Path("members.csv"),
        sandbox_redirect="http://back/here",
    )


def browser(pages: Iterable[httpx.Response], sent: list[bytes]) -> httpx.AsyncClient:
    left = iter(pages)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return next(left)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def test_a_login_fills_the_forms_until_it_is_sent_back() -> None:
    login = '<form method="post" action="/login"><input name="username"><input name="password">'
    allow = '<form method="post" action="/allow"><button name="decision" value="allow">Allow'
    sent: list[bytes] = []
    pages = [
        httpx.Response(200, text=login + "</form>"),
        httpx.Response(302, headers={"location": "/consent"}),
        httpx.Response(200, text=allow + "</form>"),
        httpx.Response(302, headers={"location": "http://back/here?code=c1"}),
    ]
    async with browser(pages, sent) as http:
        back = await log_in(http, "http://org/authorize", surfaces(), "http://back/here")
    assert back == "http://back/here?code=c1"
    assert sent[1] == b"username=ada&password=pass"
    assert sent[3] == b"decision=allow"


async def test_an_error_page_of_the_org_ends_the_login() -> None:
    pages = [httpx.Response(400, text="redirect_uri_mismatch")]
    async with browser(pages, []) as http:
        with pytest.raises(WalkError, match="answered 400"):
            await log_in(http, "http://org/authorize", surfaces(), "http://back/here")
