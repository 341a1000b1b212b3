"""Several requests in one call that counts once against the org's limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmlink_common.salesforce.errors import SalesforceError, failure, lost

HEAVY_PER_CALL = 5  # queries or Collections in one Composite


@dataclass(frozen=True, slots=True)
class Subrequest:
    """One request inside a Composite; ``url`` is a path."""

    method: str
    url: str
    body: object = None


def composite_body(requests: Sequence[Subrequest]) -> dict[str, Any]:
    """Render independent requests, run in order."""
    return {
        "allOrNone": False,
        "collateSubrequests": False,
        "compositeRequest": [_rendered(f"r{n}", one) for n, one in enumerate(requests)],
    }


def _rendered(reference: str, request: Subrequest) -> dict[str, Any]:
    told = {"method": request.method, "url": request.url, "referenceId": reference}
    return told if request.body is None else {**told, "body": request.body}


def read_composite(told: object, count: int, *, repeatable: bool) -> list[Any | SalesforceError]:
    """Return each request's body or error, in their order."""
    answers = told.get("compositeResponse") if isinstance(told, dict) else None
    answers = [a for a in answers if isinstance(a, dict)] if isinstance(answers, list) else []
    by_reference = {str(answer.get("referenceId")): answer for answer in answers}
    return [_read(by_reference.get(f"r{n}"), repeatable=repeatable) for n in range(count)]


def _read(answer: dict[str, Any] | None, *, repeatable: bool) -> Any | SalesforceError:  # noqa: ANN401 - any JSON value
    status = answer.get("httpStatusCode") if answer else None
    if answer is None or not isinstance(status, int):
        return lost("MALFORMED_ANSWER", repeatable=repeatable)
    if status < 300:  # noqa: PLR2004 - HTTP's successes
        return answer.get("body")
    return failure(answer.get("body"), status=status, repeatable=repeatable)
