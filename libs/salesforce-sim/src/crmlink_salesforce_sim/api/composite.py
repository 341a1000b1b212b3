"""Composite and batch: several calls in one."""

from dataclasses import dataclass
from typing import cast

from crmlink_salesforce_sim.api.call import Answer, Call, as_row, as_rows
from crmlink_salesforce_sim.api.references import resolved, resolved_text
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org

MOST_PARTS = 25
MOST_HEAVY = 5
FAILED = 400
HALTED = ApiError(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
BATCH_HALTED = ApiError(
    "BATCH_PROCESSING_HALTED", "Batch processing halted since another operation failed.", 412
)


class _RollbackError(Exception):
    pass


@dataclass(frozen=True)
class Composite:
    """Answers calls that carry calls, through the same router."""

    router: Router

    def composite(self, org: Org, call: Call) -> Answer:
        """Answer each part in order; later parts may refer to earlier answers."""
        body = call.row()
        parts = as_rows(body.get("compositeRequest"))
        _check(parts)
        if body.get("allOrNone") is not True:
            return Answer({"compositeResponse": self._parts(org, call, parts, halt=False)})
        answers: list[Row] = []
        try:
            with org.store.writing():
                answers = self._parts(org, call, parts, halt=True)
                if any(_failed(one) for one in answers):
                    raise _RollbackError
        except _RollbackError:
            answers = [one if _failed(one) else _halted(one) for one in answers]
        return Answer({"compositeResponse": answers})

    def _parts(self, org: Org, call: Call, parts: list[Row], *, halt: bool) -> list[Row]:
        bodies: dict[str, object] = {}
        answers: list[Row] = []
        for part in parts:
            reference = str(part["referenceId"])
            if halt and any(_failed(one) for one in answers):
                answers.append(_halted({"referenceId": reference}))
                continue
            answer = self._part(org, call, part, bodies)
            if answer.status < FAILED:
                bodies[reference] = answer.body
            answers.append(_entry(answer, reference))
        return answers

    def _part(self, org: Org, call: Call, part: Row, bodies: dict[str, object]) -> Answer:
        try:
            url = resolved_text(str(part["url"]), bodies)
            document = resolved(part.get("body"), bodies)
            given = part.get("httpHeaders")
            headers = {str(k).lower(): str(v) for k, v in as_row(given or {}).items()}
            inner = call.within(str(part["method"]), url, document, headers)
            _check_inner(inner)
        except ApiError as exc:
            return Answer(exc.body(), exc.status)
        return self.router.answer(org, inner)

    def batch(self, org: Org, call: Call) -> Answer:
        """Answer each part by itself."""
        body = call.row()
        parts = as_rows(body.get("batchRequests"))
        if len(parts) > MOST_PARTS:
            raise _too_many()
        results: list[Row] = []
        halted = False
        for part in parts:
            one = self._batched(org, call, part) if not halted else _answer(BATCH_HALTED)
            results.append({"statusCode": one.status, "result": one.body})
            halted = halted or (body.get("haltOnError") is True and one.status >= FAILED)
        failed = any(cast("int", one["statusCode"]) >= FAILED for one in results)
        return Answer({"hasErrors": failed, "results": results})

    def _batched(self, org: Org, call: Call, part: Row) -> Answer:
        org.usage.count("batch part")
        try:
            method, url = str(part["method"]), str(part["url"])
            inner = call.within(method, url, part.get("richInput"), {})
            _check_inner(inner)
        except KeyError as exc:
            missing = f"Missing required property: {exc.args[0]}"
            return _answer(ApiError("JSON_PARSER_ERROR", missing))
        except ApiError as exc:
            return _answer(exc)
        return self.router.answer(org, inner)


def add_composite(router: Router) -> None:
    """Add composite and batch."""
    composite = Composite(router)
    router.add("composite", POST=composite.composite)
    router.add("composite/batch", POST=composite.batch)


def _answer(error: ApiError) -> Answer:
    return Answer(error.body(), error.status)


def _too_many() -> ApiError:
    return ApiError("LIMIT_EXCEEDED", f"The limit is {MOST_PARTS} subrequests in one request")


def _check(parts: list[Row]) -> None:
    if len(parts) > MOST_PARTS:
        raise _too_many()
    for part in parts:
        for name in ("method", "url", "referenceId"):
            if not isinstance(part.get(name), str):
                raise ApiError("JSON_PARSER_ERROR", f"Missing required property: {name}")
    names = [part["referenceId"] for part in parts]
    if len(set(names)) < len(names):
        raise ApiError("INVALID_INPUT", "referenceId has to be unique in a composite request")
    if sum(_heavy(str(part["url"])) for part in parts) > MOST_HEAVY:
        message = f"At most {MOST_HEAVY} subrequests may be queries or sObject Collections"
        raise ApiError("LIMIT_EXCEEDED", message)


def _heavy(url: str) -> bool:
    path = url.partition("?")[0]
    names = path.strip("/").split("/")[3:]
    return bool(names) and (
        names[0] in ("query", "queryAll") or names[:2] == ["composite", "sobjects"]
    )


def _check_inner(call: Call) -> None:
    if call.path[:1] == ("composite",) and call.path[1:2] != ("sobjects",):
        message = f"{'/'.join(call.path)} cannot be called from a composite request"
        raise ApiError("INVALID_INPUT", message)


def _entry(answer: Answer, reference: str) -> Row:
    return {
        "body": answer.body,
        "httpHeaders": answer.headers,
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }


def _failed(answer: Row) -> bool:
    return cast("int", answer["httpStatusCode"]) >= FAILED


def _halted(answer: Row) -> Row:
    return _entry(Answer(HALTED.body(), HALTED.status), str(answer["referenceId"]))
