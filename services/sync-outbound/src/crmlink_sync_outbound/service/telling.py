"""What this service says on the bus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

from crmlink_common.contracts.activity import ACTIVITY_V1, Activity
from crmlink_common.contracts.cloudevents import DataT, Deleted, Record, Topic, encode
from crmlink_common.contracts.member_changes import MEMBER_CHANGES_V1, FieldChange, MemberChange
from crmlink_common.contracts.record_matches import RECORD_MATCHES_V1, RecordMatch
from crmlink_common.contracts.sync_configs import SYNC_CONFIGS_V1, EntityConfig, SyncConfig
from crmlink_common.mapping.values import is_blank
from crmlink_sync_outbound.domain.pair import Pair, Values
from crmlink_sync_outbound.domain.reconcile import Ask

SOURCE = "sync-outbound"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Writes messages; the outbox takes them."""

    now: Callable[[], datetime] = _now
    new_id: Callable[[], str] = lambda: str(uuid4())

    def config(self, workspace_id: str, entity: str, config: EntityConfig, rev: int) -> Record:
        data = SyncConfig(workspace_id=workspace_id, entity=entity, revision=rev, config=config)
        return self._record(SYNC_CONFIGS_V1, data)

    def config_dropped(self, workspace_id: str, entity: str, rev: int) -> Record:
        """Tell that a configuration is in force no more; the next one's revision is higher."""
        return self._record(SYNC_CONFIGS_V1, Deleted(f"{workspace_id}/{entity}", rev))

    def activity(
        self,
        workspace_id: str,
        action: str,
        *,
        actor: str = f"service:{SOURCE}",
        run_id: str = "",
        code: str = "",
        details: dict[str, str | int | bool] | None = None,
    ) -> Record:
        data = Activity(
            workspace_id=workspace_id,
            action=action,
            actor=actor,
            run_id=run_id,
            code=code,
            details=details or {},
        )
        return self._record(ACTIVITY_V1, data)

    def asks(self, pair: Pair, asks: Sequence[Ask]) -> Record:
        """Ask upstream; it judges by each field's expected value."""
        changes = [
            FieldChange(field=one.field, expected=one.expected, unset=True)
            if is_blank(one.value)
            else FieldChange(field=one.field, expected=one.expected, value=one.value)
            for one in asks
        ]
        data = MemberChange(
            workspace_id=pair.workspace_id,
            member_id=pair.member_id,
            changes=changes,
            expected_version=max(pair.member_version, 0),
            reason="sync",
            record_id=pair.record_id,
            object=pair.object,
            org_id=pair.org_id,
        )
        return self._record(MEMBER_CHANGES_V1, data)

    def confirmed(
        self,
        pair: Pair,
        *,
        record: Values,
        target: str,
        org_id: str,
        origin: Literal["created", "adopted"],
        intent_id: str = "",
    ) -> Record:
        """Tell the reconciler which record the member is."""
        data = RecordMatch(
            workspace_id=pair.workspace_id,
            member_id=pair.member_id,
            action="confirm",
            intent_id=intent_id,
            record_id=str(record["Id"]),
            object=target,
            account_id=str(record.get("AccountId") or ""),
            owner_id=str(record.get("OwnerId") or ""),
            org_id=org_id,
            origin=origin,
        )
        return self._record(RECORD_MATCHES_V1, data)

    def released(self, pair: Pair, intent_id: str, reason: str) -> Record:
        """Tell the reconciler that nothing came of a reservation."""
        data = RecordMatch(
            workspace_id=pair.workspace_id,
            member_id=pair.member_id,
            action="release",
            intent_id=intent_id,
            reason=reason,
        )
        return self._record(RECORD_MATCHES_V1, data)

    def _record(self, topic: Topic[DataT], data: DataT | Deleted) -> Record:
        return encode(topic, data, event_id=self.new_id(), source=SOURCE, time=self.now())
