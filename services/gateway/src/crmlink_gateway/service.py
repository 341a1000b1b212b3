"""Use cases: who may come in, what a workspace may do, and what is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import Deleted, Event, Record, encode
from crmlink_common.contracts.connections import Connection
from crmlink_common.contracts.workspaces import WORKSPACES_V1, Workspace
from crmlink_gateway.domain.access import (
    LONGEST_SECRET,
    TICKET,
    VISIT,
    ApiKey,
    Caller,
    Scope,
    fingerprint,
    new_secret,
)
from crmlink_gateway.errors import FeatureDisabledError, KeyUnknownError, WorkspaceRefusedError
from crmlink_gateway.ports import Begin, Connections, Trail, Values

SOURCE = "gateway"
TRAIL_KEPT = timedelta(days=400)
TOMBSTONES_KEPT = timedelta(days=45)
AT_ONCE = 1_000


def _now() -> datetime:
    return datetime.now(UTC)


def _id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoor:
    """Lets people in and keeps the workspaces."""

    begin: Begin
    now: Callable[[], datetime] = _now
    new_id: Callable[[], str] = _id
    new_secret: Callable[[], str] = new_secret

    async def by_key(self, secret: str, workspace_id: str) -> Caller:
        """Know a caller by an API key.

        Raises:
            KeyUnknownError: the key opens nothing.
            WorkspaceRefusedError: it opens another workspace.
        """
        keys = await self._valid_keys(secret)
        for key in keys:
            if key.workspace_id == workspace_id:
                return _caller(key)
        raise WorkspaceRefusedError("The key is valid, but not for this workspace.")

    async def by_visit(self, visit: str, workspace_id: str) -> Caller:
        """Know a caller by the console's cookie; raises as ``by_key`` does."""
        caller = await self.visitor(visit)
        if caller is None:
            raise KeyUnknownError("Nobody is signed in.")
        if caller.workspace_id != workspace_id:
            raise WorkspaceRefusedError("You are signed in to another workspace.")
        return caller

    async def visitor(self, visit: str) -> Caller | None:
        """Say who is signed in with this cookie, if anybody."""
        if not visit or len(visit) > LONGEST_SECRET:
            return None
        now = self.now()
        async with self.begin() as store:
            key = await store.access.visitor(fingerprint(visit), now)
        return _caller(key) if key is not None and key.valid_at(now) else None

    async def sign_in(self, secret: str) -> tuple[Caller, str]:
        """Open a visit for whoever has this key; return the cookie's secret too.

        Raises:
            KeyUnknownError: the key opens nothing.
        """
        key = (await self._valid_keys(secret))[0]
        visit = self.new_secret()
        async with self.begin() as store:
            await store.access.open_visit(key, fingerprint(visit), self.now() + VISIT)
            await store.outbox.add([self._noted(_caller(key), "console.signed_in")])
        return _caller(key), visit

    async def sign_out(self, visit: str) -> None:
        async with self.begin() as store:
            await store.access.end_visit(fingerprint(visit))

    async def _valid_keys(self, secret: str) -> list[ApiKey]:
        """Give at least one."""
        if not secret or len(secret) > LONGEST_SECRET:
            raise KeyUnknownError("There is no API key in this request.")
        async with self.begin() as store:
            keys = await store.access.keys(fingerprint(secret))
        valid = [key for key in keys if key.valid_at(self.now())]
        if not valid:
            raise KeyUnknownError("This API key is unknown, expired or revoked.")
        return valid

    async def feature_on(self, workspace_id: str) -> None:
        """Raise FeatureDisabledError where Salesforce does not exist."""
        async with self.begin() as store:
            workspace = await store.workspaces.find(workspace_id)
        if workspace is None or not workspace.crm_salesforce:
            raise FeatureDisabledError("There is no Salesforce in this workspace.")

    async def workspace(self, workspace_id: str) -> Workspace:
        """Show it; one that was never saved has nothing switched on."""
        async with self.begin() as store:
            found = await store.workspaces.find(workspace_id)
        return found or Workspace(workspace_id=workspace_id, revision=0)

    async def set_features(
        self, caller: Caller, *, crm_salesforce: bool | None, default_region: str | None
    ) -> Workspace:
        """Change what is given and tell everybody."""
        async with self.begin() as store:
            before = await store.workspaces.lock(caller.workspace_id)
            if before is None:
                raise FeatureDisabledError("This workspace is not known here.")
            given = {"crm_salesforce": crm_salesforce, "default_region": default_region}
            after = Workspace(
                **{**before.model_dump(), **{k: v for k, v in given.items() if v is not None}}
            )
            if after == before:
                return before
            after = after.model_copy(update={"revision": before.revision + 1})
            await store.workspaces.save(after)
            flag = {"crm_salesforce": after.crm_salesforce}
            await store.outbox.add(
                [self.told(after), self._noted(caller, "features.changed", details=flag)]
            )
        return after

    async def bootstrap(self, workspace_id: str, key: str) -> None:
        """See to it that a workspace and an admin's key are there; what is there stays."""
        workspace = Workspace(workspace_id=workspace_id, revision=1, crm_salesforce=True)
        admin = ApiKey(
            workspace_id=workspace_id, id=self.new_id(), name="bootstrap", scope=Scope.ADMIN
        )
        async with self.begin() as store:
            if await store.workspaces.add(workspace):
                await store.outbox.add([self.told(workspace)])
            await store.access.add_key(admin, fingerprint(key))

    async def note(
        self, caller: Caller, action: str, *, member_id: str = "", run_id: str = ""
    ) -> None:
        """Write down what somebody is about to do; what came of it, the owner writes down."""
        async with self.begin() as store:
            await store.outbox.add(
                [self._noted(caller, action, member_id=member_id, run_id=run_id)]
            )

    async def new_ticket(self, caller: Caller) -> str:
        """Let one browser, once and soon, go on to Salesforce."""
        ticket = self.new_secret()
        async with self.begin() as store:
            await store.access.add_ticket(
                caller.workspace_id, fingerprint(ticket), caller.actor, self.now() + TICKET
            )
        return ticket

    async def take_ticket(self, workspace_id: str, ticket: str) -> str | None:
        """Return who asked for it, or nothing if it is used, late or unknown."""
        async with self.begin() as store:
            return await store.access.take_ticket(workspace_id, fingerprint(ticket), self.now())

    async def trail(self, workspace_id: str, page: int, size: int, member_id: str = "") -> Values:
        async with self.begin() as store:
            return await store.trail.page(
                workspace_id, page=page, page_size=size, member_id=member_id
            )

    async def connection(self, workspace_id: str) -> Values:
        """Give what the bus last said of it: enough to know that something changed."""
        async with self.begin() as store:
            return await store.connections.find(workspace_id)

    async def forget(self) -> bool:
        """Remove what has ended and what is too old to be kept; say whether there may be more."""
        now = self.now()
        async with self.begin() as store:
            await store.access.forget_before(now)
            await store.connections.forget_before(now - TOMBSTONES_KEPT)
            return await store.trail.forget_before(now - TRAIL_KEPT, AT_ONCE) == AT_ONCE

    def told(self, workspace: Workspace) -> Record:
        """Give the message that says what a workspace is."""
        return encode(
            WORKSPACES_V1, workspace, event_id=self.new_id(), source=SOURCE, time=self.now()
        )

    def _noted(
        self,
        caller: Caller,
        action: str,
        *,
        member_id: str = "",
        run_id: str = "",
        details: Mapping[str, str | int | bool] | None = None,
    ) -> Record:
        activity = Activity(
            workspace_id=caller.workspace_id,
            action=action,
            actor=caller.actor,
            member_id=member_id,
            run_id=run_id,
            details=dict(details or {}),
        )
        return encode(ACTIVITY_V1, activity, event_id=self.new_id(), source=SOURCE, time=self.now())


def _caller(key: ApiKey) -> Caller:
    return Caller(workspace_id=key.workspace_id, key_id=key.id, scope=key.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the bus brings."""

    trail: Trail
    known: Connections
    now: Callable[[], datetime] = _now

    async def activity(self, events: Sequence[Event[Activity]]) -> None:
        rows = [
            {
                **event.data.model_dump(mode="json"),
                "source": event.attributes.source,
                "event_id": event.attributes.id,
                "at": event.attributes.time,
            }
            for event in events
            if isinstance(event.data, Activity)
        ]
        await self.trail.add(rows)

    async def connections(self, events: Sequence[Event[Connection]]) -> None:
        newest: dict[str, Values] = {}
        for event in events:
            row = self._row(event.data)
            known = newest.get(row["workspace_id"])
            if known is None or known["revision"] < row["revision"]:
                newest[row["workspace_id"]] = row
        await self.known.learn(list(newest.values()))

    def _row(self, data: Connection | Deleted) -> Values:
        row: Values = {
            "workspace_id": data.key,
            "status": "not_connected",
            "enabled": True,
            "error_code": "",
            "deleted_at": None,
        }
        if isinstance(data, Deleted):
            return row | {"revision": data.version, "deleted_at": self.now()}
        return row | {
            "revision": data.revision,
            "status": str(data.status),
            "enabled": data.enabled,
            "error_code": data.error_code,
        }
