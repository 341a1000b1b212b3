"""Facts §2: headers, conditions, packing, limits."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from .asking import Asking
from .world import Control

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]
fact = pytest.mark.fact
Names = Callable[[], str]


@fact("F2.39", "F2.41", "F2.44", "F9.1")
def test_what_every_answer_carries(ask: Asking) -> None:
    answer = ask.send("GET", "limits")
    told = answer.headers
    used, most = told["sforce-limit-info"].removeprefix("api-usage=").split("/")
    assert 0 < int(used) <= int(most)
    assert answer.json()["DailyApiRequests"]["Max"] == int(most)
    assert told["content-type"] == "application/json;charset=UTF-8"
    assert "accept-encoding" in told["vary"].lower()
    assert {"no-cache", "max-age=0", "no-store", "private"} <= set(told["cache-control"].split(","))
    assert {"date", "x-sfdc-request-id", "x-request-id"} <= set(told)
    assert (told["server"], told["x-robots-tag"]) == ("sfdcedge", "none")
    assert not [one for one in told if one == "retry-after" or one.startswith("ratelimit")]


@fact("F2.3")
def test_answers_can_be_xml(ask: Asking) -> None:
    answer = ask.send("GET", "limits", headers={"Accept": "application/xml"})
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.text.lstrip().startswith("<?xml")


@fact("F2.43", "F5.1")
def test_a_create_tells_where_the_record_is(ask: Asking, name: Names) -> None:
    answer = ask.send("POST", "sobjects/Contact", json={"LastName": name()})
    told = answer.json()
    assert answer.status_code == 201
    assert told == {"id": told["id"], "success": True, "errors": []}
    assert answer.headers["location"].endswith(ask.url(f"sobjects/Contact/{told['id']}"))


@fact("F2.45")
@pytest.mark.parametrize("scheme", ["Bearer", "OAuth"])
def test_both_words_before_a_token_are_taken(ask: Asking, token: str, scheme: str) -> None:
    answer = ask.send("GET", "limits", headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 200


@fact("F2.46", "F3.9")
def test_a_batch_size_is_a_hint(ask: Asking, name: Names) -> None:
    mark = name()
    record = {"attributes": {"type": "Lead"}, "LastName": "x", "Company": mark}
    for _ in range(2):
        ask.create_all([record] * 200)
    soql = f"SELECT Id FROM Lead WHERE Company = '{mark}'"  # noqa: S608 - SOQL, of a name made here
    first = ask.query(soql, **{"Sforce-Query-Options": "batchSize=200"})
    assert 0 < len(first["records"]) < first["totalSize"] == 400
    assert first["done"] is False
    assert len(ask.query(soql, **{"Sforce-Query-Options": "batchSize=5"})["records"]) >= 100


@fact("F2.47")
def test_a_caller_is_known_by_the_name_it_gives(ask: Asking, control: Control) -> None:
    options = {"Sforce-Call-Options": "client=NamedCaller, defaultNamespace=none"}
    ask.send("POST", "sobjects/Contact", json={"LastName": "x"}, headers=options)
    assert control.counts()["clients"]["NamedCaller"]["Contact"] == {"created": 1}


@fact("F2.49")
@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_bodies_may_be_packed(
    ask: Asking, name: Names, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(json.dumps({"LastName": name()}).encode())
    told = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    answer = ask.send("POST", "sobjects/Contact", content=body, headers=told)
    assert answer.status_code == 201
    packed = ask.send("GET", "sobjects/Contact/describe", headers={"Accept-Encoding": encoding})
    assert packed.json()["name"] == "Contact"
    if encoding == "gzip":
        assert packed.headers["content-encoding"] == "gzip"


@fact("F2.5", "F2.51")
def test_a_description_that_has_not_changed(ask: Asking) -> None:
    path = "sobjects/Contact/describe"
    first = ask.send("GET", path)
    assert first.headers["etag"]
    since = {"If-Modified-Since": first.headers["last-modified"]}
    again = ask.send("GET", path, headers=since)
    assert (again.status_code, again.content) == (304, b"")
    older = {"If-Modified-Since": "Wed, 01 Jan 2014 00:00:00 GMT"}
    assert ask.send("GET", path, headers=older).status_code == 200


@fact("F2.50", "F2.52")
def test_rows_of_account_have_etags(ask: Asking, name: Names) -> None:
    path = f"sobjects/Account/{ask.create('Account', Name=name())}"
    tag = ask.send("GET", path).headers["etag"]
    assert ask.send("GET", path, headers={"If-None-Match": tag}).status_code == 304
    change = {"json": {"Name": name()}}
    assert ask.send("PATCH", path, headers={"If-Match": tag}, **change).status_code == 204
    assert ask.send("PATCH", path, headers={"If-Match": '"other"'}, **change).status_code == 412
    contact = f"sobjects/Contact/{ask.create('Contact', LastName=name())}"
    assert "etag" not in ask.send("GET", contact).headers


@fact("F2.52", "F2.53")
def test_conditions_on_time(ask: Asking, name: Names) -> None:
    path = f"sobjects/Contact/{ask.create('Contact', LastName=name())}"
    change = {"json": {"FirstName": "Ada"}}
    long_ago = {"If-Unmodified-Since": "Wed, 01 Jan 2014 00:00:00 GMT"}
    assert ask.send("PATCH", path, headers=long_ago, **change).status_code == 412
    wrong = {"If-Unmodified-Since": "yesterday"}
    assert ask.send("PATCH", path, headers=wrong, **change).status_code == 400


@fact("F2.54")
def test_limits_have_a_most_and_a_rest(ask: Asking) -> None:
    told = ask.get("limits")
    assert len(told) >= 50
    assert all({"Max", "Remaining"} <= set(one) for one in told.values())


@fact("F2.56")
def test_records_are_counted_by_object(ask: Asking) -> None:
    told = ask.get("limits/recordCount", params={"sObjects": "Contact,Account"})
    assert {one["name"] for one in told["sObjects"]} == {"Contact", "Account"}
    assert all(one["count"] > 0 for one in told["sObjects"])
