"""What calls that carry calls have in common: a part's request, its answer, its rollback."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from crmlink_salesforce_sim.api.call import Answer, Call, as_row
from crmlink_salesforce_sim.api.references import resolved, resolved_text
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org

FAILED = 400
HALTED = ApiError(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
INHERITED = ("sforce-", "accept-encoding")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*\Z")


class RollbackError(Exception):
    """Undoes what the parts of a call did."""


def check_parts(parts: list[Row], most: int) -> None:
    """Refuse parts that are too many, incomplete, or called the same."""
    if len(parts) > most:
        raise too_many(most)
    for part in parts:
        for name in ("method", "url", "referenceId"):
            if not isinstance(part.get(name), str):
                raise ApiError("JSON_PARSER_ERROR", f"Missing required property: {name}")
        if str(part["method"]).upper() not in METHODS:
            raise ApiError("INVALID_INPUT", f"Invalid method: {part['method']}")
        if not _NAME.match(str(part["referenceId"])):
            message = (
                f"Provided referenceId ('{part['referenceId']}') must start with a letter or a"
                " number, and it can only contain letters, numbers and underscores ('_')."
            )
            raise ApiError("INVALID_INPUT", message)
    names = [part["referenceId"] for part in parts]
    twice = next((one for n, one in enumerate(names) if one in names[:n]), None)
    if twice is not None:
        raise ApiError("INVALID_INPUT", f"Duplicate referenceId: {twice}")


def too_many(most: int) -> ApiError:
    """Say that a call has too many parts."""
    return ApiError("LIMIT_EXCEEDED", f"The limit is {most} subrequests in one request")


def inner_call(call: Call, part: Row, bodies: Mapping[str, object]) -> Call:
    """Return the call a part makes, its references replaced.

    A part has the headers it names; of the outer call's it inherits those that say how records are
    saved, and none of its conditions.
    """
    outer = {k: v for k, v in call.headers.items() if k.startswith(INHERITED)}
    url = resolved_text(str(part["url"]), bodies)
    document = resolved(part.get("body"), bodies)
    given = part.get("httpHeaders")
    headers = {str(k).lower(): str(v) for k, v in as_row(given or {}).items()}
    return replace(call, headers=outer).within(str(part["method"]), url, document, headers)


def answered(
    router: Router, org: Org, call: Call, part: Row, bodies: Mapping[str, object]
) -> Answer:
    """Answer a part; what goes wrong is an answer too."""
    try:
        inner = inner_call(call, part, bodies)
        check_inner(inner)
    except ApiError as exc:
        return Answer(exc.body(), exc.status)
    return router.answer(org, inner)


def check_inner(call: Call) -> None:
    """Refuse a part that carries parts itself, or that is no part of anything."""
    nested = call.path[:1] == ("composite",) and call.path[1:2] != ("sobjects",)
    if nested or call.path[:1] == ("jobs",):
        message = f"{'/'.join(call.path)} cannot be called from a composite request"
        raise ApiError("INVALID_INPUT", message)


def entry(answer: Answer, reference: str) -> Row:
    """Return a part's answer as it stands among the others."""
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }


def failed(answer: Row) -> bool:
    """Tell whether a part went wrong."""
    return cast("int", answer["httpStatusCode"]) >= FAILED


def halted(reference: object) -> Row:
    """Return what a part answers that was not done, or undone."""
    return entry(Answer(HALTED.body(), HALTED.status), str(reference))
