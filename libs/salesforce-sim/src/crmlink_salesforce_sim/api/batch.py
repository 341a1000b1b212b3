"""Batch: calls that know nothing of each other, each counted by itself."""

from dataclasses import dataclass
from typing import cast

from crmlink_salesforce_sim.api.call import Answer, Call, as_rows
from crmlink_salesforce_sim.api.parts import FAILED, METHODS, check_inner, inner_call, too_many
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError, Row
from crmlink_salesforce_sim.org import Org

MOST_PARTS = 25
HALTED = ApiError(
    "BATCH_PROCESSING_HALTED", "Batch processing halted since another operation failed.", 412
)


@dataclass(frozen=True)
class Batch:
    """Answers batches through the same router."""

    router: Router

    def answer(self, org: Org, call: Call) -> Answer:
        """Answer each part by itself; with haltOnError none after the first that fails."""
        body = call.row()
        parts = as_rows(body.get("batchRequests"))
        if len(parts) > MOST_PARTS:
            raise too_many(MOST_PARTS)
        results: list[Row] = []
        halted = False
        for part in parts:
            one = self._one(org, call, part) if not halted else _answer(HALTED)
            results.append({"statusCode": one.status, "result": one.body})
            halted = halted or (body.get("haltOnError") is True and one.status >= FAILED)
        failed = any(cast("int", one["statusCode"]) >= FAILED for one in results)
        return Answer({"hasErrors": failed, "results": results})

    def _one(self, org: Org, call: Call, part: Row) -> Answer:
        org.usage.count("batch part", caller=call.client)
        try:
            for name in ("method", "url"):
                if not isinstance(part.get(name), str):
                    raise ApiError("JSON_PARSER_ERROR", f"Missing required property: {name}")
            if str(part["method"]).upper() not in METHODS:
                raise ApiError("INVALID_INPUT", f"Invalid method: {part['method']}")
            inner = inner_call(call, {**part, "body": part.get("richInput")}, {})
            check_inner(inner)
        except ApiError as exc:
            return _answer(exc)
        return self.router.answer(org, inner)


def _answer(error: ApiError) -> Answer:
    return Answer(error.body(), error.status)
