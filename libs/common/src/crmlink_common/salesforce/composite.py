"""Several requests in one call that counts once against the org's limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmlink_common.errors import InvalidInputError
from crmlink_common.salesforce.errors import SalesforceError, failure, lost

PER_CALL = 25
HEAVY_PER_CALL = 5  # queries or Collections in one Composite (facts §6)
_HEAVY = re.compile(r"/services/data/v[0-9.]+/(?:composite/sobjects|query|queryAll)(?:[/?]|\Z)")
_REFERENCE = re.compile(r"[A-Za-z]\w{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subrequest:
    """One request inside a Composite; ``url`` is a path.

    A later one may use an earlier one's answer by its ``reference``: ``@{reference.id}``.
    """

    method: str
    url: str
    body: object = None
    reference: str = ""  # unless told, r0, r1 ...

    @property
    def is_heavy(self) -> bool:
        """Tell whether it counts among the five queries and Collections of a call."""
        return _HEAVY.match(self.url) is not None


def composite_body(requests: Sequence[Subrequest], *, all_or_none: bool = False) -> dict[str, Any]:
    """Render requests that run in order.

    Raises:
        InvalidInputError: more than 25, more than five heavy ones, or names that clash.
    """
    names = references(requests)
    if not requests or len(requests) > PER_CALL:
        raise InvalidInputError(f"a Composite takes 1 to {PER_CALL} requests")
    if sum(request.is_heavy for request in requests) > HEAVY_PER_CALL:
        raise InvalidInputError(f"a Composite takes {HEAVY_PER_CALL} queries and Collections")
    if len(set(names)) < len(names) or not all(map(_REFERENCE.fullmatch, names)):
        raise InvalidInputError("the names of a Composite's requests clash, or are none")
    return {
        "allOrNone": all_or_none,
        "collateSubrequests": False,
        "compositeRequest": [
            _rendered(name, one) for name, one in zip(names, requests, strict=True)
        ],
    }


def references(requests: Sequence[Subrequest]) -> list[str]:
    """Return the name of each request."""
    return [one.reference or f"r{n}" for n, one in enumerate(requests)]


def _rendered(reference: str, request: Subrequest) -> dict[str, Any]:
    told = {"method": request.method, "url": request.url, "referenceId": reference}
    return told if request.body is None else {**told, "body": request.body}


def read_composite(
    told: object, names: Sequence[str] | int, *, repeatable: bool
) -> list[Any | SalesforceError]:
    """Return the body or error of each request named, in their order."""
    wanted = [f"r{n}" for n in range(names)] if isinstance(names, int) else names
    answers = told.get("compositeResponse") if isinstance(told, dict) else None
    answers = [a for a in answers if isinstance(a, dict)] if isinstance(answers, list) else []
    by_reference = {str(answer.get("referenceId")): answer for answer in answers}
    return [_read(by_reference.get(name), repeatable=repeatable) for name in wanted]


def _read(answer: dict[str, Any] | None, *, repeatable: bool) -> Any | SalesforceError:  # noqa: ANN401 - any JSON value
    status = answer.get("httpStatusCode") if answer else None
    if answer is None or not isinstance(status, int):
        return lost("MALFORMED_ANSWER", repeatable=repeatable)
    if status < 300:  # noqa: PLR2004 - HTTP's successes
        return answer.get("body")
    return failure(answer.get("body"), status=status, repeatable=repeatable)
