"""Who asks, and whether they may: a key in the header, or the console's cookie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer

from crmlink_common.errors import InvalidInputError
from crmlink_gateway.domain.access import Caller, Scope, bearer, form_token, same_text
from crmlink_gateway.errors import FormTokenError, ScopeRefusedError
from crmlink_gateway.service import FrontDoor

PREFIX = "/api/v2/w/{workspace}/app-connections/salesforce"
VISIT_COOKIE = "crmlink_session"
FORM_TOKEN = "X-CSRF-Token"  # noqa: S105 - a header's name
LONGEST_ID = 255
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# for the description of the API alone: `Gate` reads the header, or the console's cookie, itself
DescribedKey = Annotated[object, Security(HTTPBearer(scheme_name="ApiKey", auto_error=False))]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list."""

    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Query(ge=1, le=200)] = 50

    def query(self, **more: object) -> dict[str, object]:
        return {"page": self.page, "page_size": self.page_size, **more}


@dataclass(frozen=True, slots=True)
class Gate:
    """Makes the dependency that stands before a route."""

    door: FrontDoor

    def allows(self, scope: Scope, action: str = "", *, feature: bool = True) -> Any:  # noqa: ANN401 - what Depends gives
        """Let in who may do ``scope`` and give the Caller; ``action`` goes to the audit trail.

        Without ``feature`` it also opens where the feature flag is off.
        """

        async def enter(request: Request, workspace: UUID, _: DescribedKey = None) -> Caller:
            named = _named(request)
            caller = await self._known(request, str(workspace))
            if not caller.scope.covers(scope):
                raise ScopeRefusedError(scope)
            if feature:
                await self.door.feature_on(caller.workspace_id)
            if action:
                await self.door.note(caller, action, **named)
            return caller

        return Depends(enter)

    def open(self) -> Any:  # noqa: ANN401 - what Depends gives
        """Ask for no key, only that the workspace has Salesforce; give its id."""

        async def enter(workspace: UUID) -> str:
            await self.door.feature_on(str(workspace))
            return str(workspace)

        return Depends(enter)

    async def _known(self, request: Request, workspace_id: str) -> Caller:
        visit = request.cookies.get(VISIT_COOKIE, "")
        if request.headers.get("authorization") or not visit:
            return await self.door.by_key(
                bearer(request.headers.get("authorization", "")), workspace_id
            )
        caller = await self.door.by_visit(visit, workspace_id)
        told = request.headers.get(FORM_TOKEN, "")
        if request.method not in SAFE and not same_text(told, form_token(visit)):
            raise FormTokenError("The page's token is missing or old.")
        return caller


def _named(request: Request) -> dict[str, str]:
    """Give the ids in the address, which no table and no message refuses."""
    ids = {
        name: request.path_params[path]
        for name, path in (("member_id", "member"), ("run_id", "run"))
        if path in request.path_params
    }
    for name, text in ids.items():
        if len(text) > LONGEST_ID or CONTROL.search(text):
            raise InvalidInputError("This is no id.", field=name)
    return ids


def one_page(told: dict[str, Any]) -> dict[str, Any]:
    """Give a short list, which its owner keeps short, the shape of every list."""
    items = told["items"]
    return {"items": items, "total": len(items), "page": 1, "page_size": max(1, len(items))}
