"""Compiled rules per workspace, kept for as long as their revision stands."""

from __future__ import annotations

from collections import OrderedDict

from crmlink_common.mapping.rules import CompiledRules, compile_rules
from crmlink_sync_outbound.domain.views import Terms
from crmlink_sync_outbound.storage.configs import Saved

KEPT = 500


class TermsCache:
    """Bounded: compiling costs more than planning a member."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[tuple[str, str, int], CompiledRules] = OrderedDict()

    def of(self, workspace_id: str, saved: Saved) -> Terms:
        """Compile, or remember."""
        key = (workspace_id, saved.entity, saved.revision)
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = compile_rules(saved.config)
            self._compiled[key] = compiled
        self._compiled.move_to_end(key)
        while len(self._compiled) > KEPT:
            self._compiled.popitem(last=False)
        return Terms(
            compiled=compiled,
            revisions=saved.rule_revisions,
            revision=saved.revision,
            region=saved.region,
        )
