"""Objects as a real org describes them."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmlink_salesforce_sim import describe_from
from crmlink_salesforce_sim.app import create_app
from crmlink_salesforce_sim.build import build
from crmlink_salesforce_sim.errors import StartError
from crmlink_salesforce_sim.generate.fill import Amounts
from crmlink_salesforce_sim.oauth.server import Server
from crmlink_salesforce_sim.options import Options, read_options
from crmlink_salesforce_sim.schema_import import read_documents

FEW = Amounts(1, 2, 1, 0, 0, 0, 0, 0, 0)
HINT = "Ask the member"


def field(name: str, kind: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    usual = {"label": name, "length": 0, "nillable": True, "createable": True, "updateable": True}
    return {"name": name, "type": kind, **usual, **more}


def choice(value: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"value": value, "label": value.upper(), "active": True, "defaultValue": False, **more}


VISIT = {
    "name": "Visit__c",
    "label": "Visit",
    "labelPlural": "Visits",
    "keyPrefix": "a0X",
    "createable": True,
    "updateable": True,
    "feedEnabled": False,
    "fields": [
        field("Id", "id", length=18, nillable=False, createable=False, idLookup=True),
        field("Name", "string", length=80, nameField=True, autoNumber=True, createable=False),
        field("Key__c", "string", length=20, externalId=True, unique=True, idLookup=True),
        field("Kind__c", "picklist", length=255, restrictedPicklist=True, picklistValues=[
            choice("first", defaultValue=True), choice("old", active=False), choice("again")]),
        field("Member__c", "reference", referenceTo=["Contact"], relationshipName="Member__r"),
        field("Site__c", "reference", referenceTo=["Site__c"], relationshipName="Site__r"),
        field("Length__c", "double", precision=4, scale=1, inlineHelpText=HINT, nillable=False),
        field("Total__c", "double", precision=4, scale=0, calculated=True, createable=False,
              updateable=False, calculatedFormula="Length__c * 2"),
        field("Where__c", "location", createable=False, updateable=False),
        field("Where__Latitude__s", "double", precision=9, scale=6, compoundFieldName="Where__c"),
        field("Where__Longitude__s", "double", precision=9, scale=6, compoundFieldName="Where__c"),
        field("OwnerId", "reference", nillable=False, referenceTo=["Group", "User"],
              relationshipName="Owner", defaultedOnCreate=True),
    ],
    "childRelationships": [],
    "recordTypeInfos": [
        {"name": "Home", "developerName": "Home", "recordTypeId": "0124x000000AAAAAA4",
         "active": True, "available": True, "master": False, "defaultRecordTypeMapping": False},
    ],
}  # fmt: skip
CONTACT = {
    "name": "Contact",
    "label": "Member",
    "createable": True,
    "fields": [
        field("Email", "email", label="Private e-mail", length=80, idLookup=True),
        field("Shoe_Size__c", "double", precision=3, scale=1),
    ],
    "childRelationships": [
        {"childSObject": "Visit__c", "field": "Member__c", "relationshipName": "Visits__r",
         "cascadeDelete": True, "restrictedDelete": False},
        {"childSObject": "Unknown__c", "field": "Contact__c", "relationshipName": "Others__r"},
    ],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text(json.dumps(VISIT))
    (tmp_path / "b.json").write_text(json.dumps([CONTACT]))
    (tmp_path / "notes.txt").write_text("not for us")
    return tmp_path


def client_of(server: Server) -> httpx.AsyncClient:
    issued = server.tokens.approve(server.identity.user_id, "api refresh_token")
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(server)),
        base_url="http://org.test/services/data/v59.0/",
        headers={"Authorization": f"Bearer {issued.access}"},
    )


async def test_an_object_of_a_real_org_can_be_rehearsed_with(folder: Path) -> None:
    """Facts §5: create, upsert, query and describe of an object given as a document."""
    server = build(Options(amounts=FEW, objects=(folder,)))
    async with client_of(server) as api:
        person = (await api.post("sobjects/Contact", json={"LastName": "x"})).json()["id"]
        body = {"Member__c": person, "Length__c": 1.25, "Site__c": "a0Z4x000000AAAA"}
        made = await api.patch("sobjects/Visit__c/Key__c/k1", json=body)
        assert made.status_code == 201, made.text
        record = (await api.get(f"sobjects/Visit__c/{made.json()['id']}")).json()
        assert (record["Kind__c"], record["Length__c"]) == ("first", 1.3)
        assert record["OwnerId"].startswith("005")
        assert record["Total__c"] is None
        for wrong, code in [
            ({"Kind__c": "old"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
            ({"Total__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ({"Length__c": None}, "REQUIRED_FIELD_MISSING"),
        ]:
            answer = await api.patch(f"sobjects/Visit__c/{record['Id']}", json=wrong)
            assert answer.json()[0]["errorCode"] == code
        text = "SELECT Name, (SELECT Key__c FROM Visits__r) FROM Contact WHERE Shoe_Size__c = null"
        found = (await api.get("query", params={"q": text})).json()
        assert "k1" in json.dumps(found)
        kind = {"RecordTypeId": "0124x000000AAAA"}
        refused = (await api.patch(f"sobjects/Visit__c/{record['Id']}", json=kind)).json()
        assert refused[0]["errorCode"] == "INVALID_FIELD"  # the object has no such field
        types = "SELECT Id FROM RecordType WHERE DeveloperName = 'Home'"
        assert (await api.get("query", params={"q": types})).json()["totalSize"] == 1
    server.org.close()


async def test_the_document_is_answered_as_it_was_given(folder: Path) -> None:
    """Facts §5: a describe document with the org's own labels, choices and children."""
    server = build(Options(amounts=FEW, objects=(folder / "a.json", folder / "b.json")))
    async with client_of(server) as api:
        visit = (await api.get("sobjects/Visit__c/describe")).json()
        contact = (await api.get("sobjects/Contact/describe")).json()
    server.org.close()
    fields = {one["name"]: one for one in visit["fields"]}
    assert (visit["keyPrefix"], visit["feedEnabled"], visit["custom"]) == ("a0X", False, True)
    assert [one["label"] for one in fields["Kind__c"]["picklistValues"]] == [
        "FIRST",
        "OLD",
        "AGAIN",
    ]
    assert fields["Site__c"]["referenceTo"] == ["Site__c"]
    assert (fields["Length__c"]["inlineHelpText"], fields["Total__c"]["calculated"]) == (HINT, True)
    assert visit["recordTypeInfos"][0]["recordTypeId"] == "0124x000000AAAAAA4"
    own = {one["name"]: one for one in contact["fields"]}
    assert (contact["label"], own["Email"]["label"]) == ("Member", "Private e-mail")
    assert {"Shoe_Size__c", "LastName", "Member_Id__c"} <= own.keys()
    children = {one["relationshipName"] for one in contact["childRelationships"]}
    assert {"Visits__r", "Others__r", "Care_Plans__r"} <= children


async def test_what_one_org_describes_another_is_made_of(tmp_path: Path) -> None:
    """Facts §5: documents of an org with Person Accounts give an org that has them."""
    first = build(Options(amounts=FEW, person_accounts=True))
    names = ("Account", "Contact", "Task")
    async with client_of(first) as api:
        documents = [(await api.get(f"sobjects/{name}/describe")).json() for name in names]
    first.org.close()
    path = tmp_path / "objects.json"
    path.write_text(json.dumps(documents))
    second = build(Options(amounts=FEW, objects=(path,)))
    async with client_of(second) as api:
        again = [(await api.get(f"sobjects/{one['name']}/describe")).json() for one in documents]
        company = await api.post("sobjects/Account", json={"Name": "Acme"})
        assert company.status_code == 201
        record = (await api.get(f"sobjects/Account/{company.json()['id']}")).json()
        assert (record["Name"], record["IsPersonAccount"]) == ("Acme", False)
        person = await api.post("sobjects/Account", json={"LastName": "Obi", "PersonTitle": "Dr"})
        assert person.status_code == 201
    second.org.close()
    for old, new in zip(documents, again, strict=True):
        assert {one["name"]: one for one in new["fields"]} == {
            one["name"]: one for one in old["fields"]
        }
        known = {(one["childSObject"], one["field"]) for one in new["childRelationships"]}
        assert {(one["childSObject"], one["field"]) for one in old["childRelationships"]} <= known


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[5]",
        '{"name": "X__c"}',
        '{"name": "X\\"; DROP", "fields": []}',
        '{"name": "X__c", "fields": [{"name": "a b", "type": "string"}]}',
        '{"name": "X__c", "fields": [{"name": "A__c"}]}',
    ],
)
def test_a_file_that_is_no_describe_document_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "objects.json"
    path.write_text(content)
    with pytest.raises(StartError, match="objects file"):
        read_documents(path)


def test_the_command_line_takes_objects_and_amounts() -> None:
    found = read_options(
        ["--port", "0", "--objects", "a.json", "--objects", "b", "--care-plans", "7"]
    )
    assert found.objects == (Path("a.json"), Path("b"))
    assert found.amounts == Amounts(care_plans=7)


def an_org(answers: dict[str, httpx.Response]) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[request.url.path.split("/")[-2]]

    return httpx.MockTransport(answer), asked


def run(tmp_path: Path, transport: httpx.MockTransport, *more: str, url: str = "") -> int:
    token = tmp_path / "token"
    token.write_text("00Dxx!secret\n")
    usual = ["--url", url or "https://acme.my.salesforce.com", "--token-file", str(token)]
    return describe_from.main([*usual, *more], transport)


def test_describe_documents_are_saved_from_an_org(tmp_path: Path) -> None:
    """Facts §5: what is saved can be given to --objects."""
    transport, asked = an_org(
        {"Visit__c": httpx.Response(200, json=VISIT), "Contact": httpx.Response(200, json=CONTACT)}
    )
    out = tmp_path / "out.json"
    assert run(tmp_path, transport, "--objects", "Visit__c, Contact", "--out", str(out)) == 0
    assert [one["name"] for one in read_documents(out)] == ["Visit__c", "Contact"]
    first = asked[0]
    assert str(first.url) == (
        "https://acme.my.salesforce.com/services/data/v59.0/sobjects/Visit__c/describe"
    )
    assert first.headers["authorization"] == "Bearer 00Dxx!secret"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(401, json=[{"errorCode": "INVALID_SESSION_ID"}]), "401"),
        (httpx.Response(404, json=[]), "404"),
        (httpx.Response(302, headers={"location": "https://x.example"}), "302"),
        (httpx.Response(200, text="<html>secret page</html>"), "JSON"),
    ],
)
def test_what_an_org_refuses_is_told_without_a_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: httpx.Response, told: str
) -> None:
    """Facts §2: 401, 404; the token is never told."""
    transport, _ = an_org({"Visit__c": answer})
    assert run(tmp_path, transport, "--objects", "Visit__c") == 1
    out, err = capsys.readouterr()
    assert told in err
    assert "secret" not in out + err


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("http://acme.my.salesforce.com", ["--objects", "Visit__c"]),
        ("nonsense", ["--objects", "Visit__c"]),
        ("https://acme.my.salesforce.com", ["--objects", "../limits"]),
        ("https://acme.my.salesforce.com", ["--objects", ""]),
        ("https://acme.my.salesforce.com", ["--objects", "Visit__c", "--version", "x"]),
    ],
)
def test_nothing_is_sent_where_it_should_not_go(tmp_path: Path, url: str, more: list[str]) -> None:
    transport, asked = an_org({})
    assert run(tmp_path, transport, *more, url=url) == 1
    assert asked == []


def test_a_token_is_read_from_where_no_list_of_processes_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, asked = an_org({"Visit__c": httpx.Response(200, json=VISIT)})
    with (tmp_path / "in").open("w+") as file:
        file.write("00Dxx!piped\n")
        file.seek(0)
        monkeypatch.setattr("sys.stdin", file)
        arguments = ["--url", "http://127.0.0.1:1", "--token-file", "-", "--objects", "Visit__c"]
        assert describe_from.main(arguments, transport) == 0
    assert asked[0].headers["authorization"] == "Bearer 00Dxx!piped"
    assert json.loads(capsys.readouterr().out)[0]["name"] == "Visit__c"
    arguments[3] = str(tmp_path / "none")
    assert describe_from.main(arguments, transport) == 1
