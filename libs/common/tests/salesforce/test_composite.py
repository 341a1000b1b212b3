from __future__ import annotations

import pytest

from crmlink_common.errors import InvalidInputError, TransientError, UnknownOutcomeError
from crmlink_common.salesforce.composite import Subrequest, composite_body, read_composite
from crmlink_common.salesforce.fakes import FakeOrg

DATA = "/services/data/v59.0/"
LIGHT = Subrequest("GET", DATA + "sobjects/Contact/003")
HEAVY = [
    Subrequest("GET", DATA + "query?q=SELECT+Id+FROM+A"),
    Subrequest("GET", DATA + "query/0r8-2000"),
    Subrequest("GET", DATA + "queryAll?q=x"),
    Subrequest("POST", DATA + "composite/sobjects"),
    Subrequest("PATCH", DATA + "composite/sobjects/Contact/Key__c"),
    Subrequest("DELETE", DATA + "composite/sobjects?ids=x"),
]


@pytest.mark.parametrize("request_", HEAVY)
def test_queries_and_collections_are_heavy(request_: Subrequest) -> None:
    """Facts §6."""
    assert request_.is_heavy
    assert not LIGHT.is_heavy


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [LIGHT] * 26,
        HEAVY,
        [Subrequest("GET", DATA, reference="a"), Subrequest("GET", DATA, reference="a")],
        [Subrequest("GET", DATA, reference="r1"), LIGHT],
        [Subrequest("GET", DATA, reference="a b")],
    ],
)
async def test_what_salesforce_would_refuse_is_not_sent(
    fake: FakeOrg, requests: list[Subrequest]
) -> None:
    """Facts §6: 25 subrequests, five of them heavy."""
    with pytest.raises(InvalidInputError):
        await (await fake.open()).composite(requests, repeatable=True)
    assert fake.asked == []


def test_25_of_which_five_are_heavy_are_sent() -> None:
    body = composite_body([*HEAVY[:5], *[LIGHT] * 20], all_or_none=True)
    assert len(body["compositeRequest"]) == 25
    assert body["allOrNone"] is True


async def test_a_request_may_use_the_answer_of_one_before_it(fake: FakeOrg) -> None:
    answers = [
        {"referenceId": "mine", "httpStatusCode": 201, "body": {"id": "001"}},
        {"referenceId": "r1", "httpStatusCode": 204, "body": None},
    ]
    fake.answers = [{"compositeResponse": answers}]
    first = Subrequest("POST", DATA + "sobjects/Account", {"Name": "A"}, reference="mine")
    second = Subrequest("PATCH", DATA + "sobjects/Contact/003", {"AccountId": "@{mine.id}"})
    told = await (await fake.open()).composite([first, second], repeatable=False)
    assert told == [{"id": "001"}, None]
    names = [one["referenceId"] for one in fake.bodies()[0]["compositeRequest"]]
    assert names == ["mine", "r1"]


@pytest.mark.parametrize("told", [None, [], {}, {"compositeResponse": [7]}])
def test_a_request_without_an_answer_is_unknown_where_a_repeat_would_harm(told: object) -> None:
    [one] = read_composite(told, 1, repeatable=True)
    assert isinstance(one, TransientError)
    [one] = read_composite(told, 1, repeatable=False)
    assert isinstance(one, UnknownOutcomeError)
