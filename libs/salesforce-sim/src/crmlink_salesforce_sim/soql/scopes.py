"""USING SCOPE: whose records a statement is about."""

from collections.abc import Callable
from dataclasses import dataclass

from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.soql.nodes import Path
from crmlink_salesforce_sim.soql.place import complain, not_executed

EVERYTHING = ("everything", "scopingrule")  # an org without scoping rules leaves nothing out
NOT_EXECUTED = (
    *("allprivate", "delegated", "mineandmygroups", "myterritory", "myteamterritory", "team"),
)
OWNER = "OwnerId"
Recent = Callable[[str, str], list[str]]


def nothing_recent(_: str, __: str) -> list[str]:
    """Return the records a user saw last, where nobody keeps them."""
    return []


@dataclass(frozen=True)
class Whose:
    """Turns a scope into terms of WHERE; `recent` tells what a user used last of an object."""

    text: str
    user: str
    recent: Recent = nothing_recent

    def terms(self, scope: Path, root: SObject) -> list[str]:
        """Return the terms a scope stands for; none when it leaves nothing out."""
        name = scope.text.lower().replace("_", "")
        if name in EVERYTHING:
            return []
        if name == "mine" and OWNER in root.fields:
            return [f"t.OwnerId IN ({_ids([self.user])})"]
        if name == "mru":
            return [f"t.Id IN ({_ids(self.recent(self.user, root.name))})"]
        if name in NOT_EXECUTED:
            raise not_executed(f"USING SCOPE {scope.text}")
        message = f"Scope '{scope.text}' is not supported for entity '{root.name}'"
        raise complain("MALFORMED_QUERY", self.text, scope.at, message)


def _ids(ids: list[str]) -> str:
    return ", ".join(f"'{one}'" for one in ids if one.isalnum())
