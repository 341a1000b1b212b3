"""Data Sync: configuration per entity type, runs, errors."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path, Query, status

from crmlink_common.contracts.sync_configs import EntityConfig
from crmlink_common.internal.problems import RemoteError
from crmlink_gateway.clients import Part, Parts, segment
from crmlink_gateway.domain.access import Caller, Scope
from crmlink_gateway.domain.groups import directions, refusal
from crmlink_gateway.errors import DirectionsOffError
from crmlink_gateway.routes.authority import PREFIX, Gate, Paging, one_page
from crmlink_gateway.routes.bodies import SyncWish

Json = dict[str, Any]
Entity = Annotated[str, Path(min_length=1, max_length=64)]
Page = Annotated[Paging, Depends()]
Outcome = Annotated[str, Query(max_length=64, pattern=r"^[a-z_]+$")]


def config_routes(gate: Gate, parts: Parts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["sync"])
    sync = parts.sync_outbound
    read = gate.allows(Scope.READ)
    configures = gate.allows(Scope.ADMIN, "sync.configure_asked")

    @router.get("/sync/config")
    async def entities(caller: Caller = read) -> Json:
        """List the entity types with their state."""
        return one_page(await sync.call("GET", caller.workspace_id, "/sync/config"))

    @router.get("/sync/config/{entity}")
    async def config(entity: Entity, caller: Caller = read) -> Json:
        return dict(await sync.call("GET", caller.workspace_id, f"/sync/config/{segment(entity)}"))

    @router.put("/sync/config/{entity}")
    async def save(entity: Entity, body: EntityConfig, caller: Caller = configures) -> Json:
        """Save; nothing is pushed by it. Rule errors name rule, line and column."""
        path = f"/sync/config/{segment(entity)}"
        rules = body.model_dump(mode="json")
        return dict(
            await sync.call("PUT", caller.workspace_id, path, actor=caller.actor, json=rules)
        )

    @router.get("/sync/summary")
    async def summary(caller: Caller = read) -> Json:
        """Count the pairs, and what is pending, written, failed or skipped."""
        return dict(await sync.call("GET", caller.workspace_id, "/sync/summary"))

    @router.get("/sync/managed-rules")
    async def managed_rules(caller: Caller = read) -> Json:
        """List the event rules that outbound sync brings with it."""
        known = await sync.call("GET", caller.workspace_id, "/sync/config")
        rules = [
            {"entity": one["entity"], **one["managed_rule"]}
            for one in known["items"]
            if one.get("managed_rule")
        ]
        return one_page({"items": rules})

    return router


def run_routes(gate: Gate, parts: Parts) -> APIRouter:
    router = APIRouter(prefix=PREFIX, tags=["sync"])
    sync = parts.sync_outbound
    read = gate.allows(Scope.READ)
    starts = gate.allows(Scope.WRITE, "sync.start_asked")
    cancels = gate.allows(Scope.WRITE, "sync.cancel_asked")

    @router.post("/sync/runs", status_code=status.HTTP_202_ACCEPTED)
    async def start(body: SyncWish, caller: Caller = starts) -> Json:
        """Run Sync: one run for each direction; what did not start is in ``refused``."""
        return await _start(sync, caller, body)

    @router.get("/sync/runs")
    async def runs(paging: Page, caller: Caller = read) -> Json:
        return await _page(sync, caller, "/sync/runs", paging.query())

    @router.get("/sync/runs/{run}")
    async def show(run: UUID, caller: Caller = read) -> Json:
        return dict(await sync.call("GET", caller.workspace_id, f"/sync/runs/{run}"))

    @router.get("/sync/runs/{run}/items")
    async def items(
        run: UUID, paging: Page, outcome: Outcome | None = None, caller: Caller = read
    ) -> Json:
        query = paging.query(outcome=outcome)
        return await _page(sync, caller, f"/sync/runs/{run}/items", query)

    @router.post("/sync/runs/{run}/cancel")
    async def cancel(run: UUID, caller: Caller = cancels) -> Json:
        path = f"/sync/runs/{run}/cancel"
        return dict(await sync.call("POST", caller.workspace_id, path, actor=caller.actor))

    @router.get("/sync/errors")
    async def errors(paging: Page, caller: Caller = read) -> Json:
        return await _page(sync, caller, "/sync/errors", paging.query())

    return router


async def _page(sync: Part, caller: Caller, path: str, query: dict[str, object]) -> Json:
    return dict(await sync.call("GET", caller.workspace_id, path, query=query))


async def _start(sync: Part, caller: Caller, wish: SyncWish) -> Json:
    config: Json = {}
    if wish.direction is None:
        path = f"/sync/config/{segment(wish.entity)}"
        config = (await sync.call("GET", caller.workspace_id, path))["config"]
    wanted = directions(wish.direction, config)
    if not wanted:
        raise DirectionsOffError("Neither outbound sync nor inbound sync is on.")
    group = str(uuid4())
    runs, refused, last = [], [], None
    for direction in wanted:
        body = {"entity": wish.entity, "direction": direction, "scope": wish.scope}
        try:
            run = await sync.call(
                "POST",
                caller.workspace_id,
                "/sync/runs",
                actor=caller.actor,
                json=body | {"group_id": group},
            )
            runs.append(run)
        except RemoteError as exc:
            last = exc
            refused.append(refusal(direction, exc.document))
    if last is not None and not runs:
        raise last
    return {"group_id": group, "runs": runs, "refused": refused}
