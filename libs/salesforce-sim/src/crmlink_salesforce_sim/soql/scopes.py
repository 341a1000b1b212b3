"""USING SCOPE: whose records a statement is about."""

from crmlink_salesforce_sim.schema import SObject
from crmlink_salesforce_sim.soql.nodes import Path
from crmlink_salesforce_sim.soql.place import complain, not_executed

EVERYTHING = ("everything", "scopingrule")  # an org without scoping rules leaves nothing out
NOT_EXECUTED = (
    "allprivate", "delegated", "mineandmygroups", "myterritory", "myteamterritory", "team",
)  # fmt: skip
OWNER = "OwnerId"
VIEWED = "LastViewedDate"


def scope_term(text: str, scope: Path, root: SObject, user: str) -> str | None:
    """Return the term of WHERE that a scope stands for, None when it leaves nothing out."""
    name = scope.text.lower().replace("_", "")
    if name in EVERYTHING:
        return None
    if name == "mine" and OWNER in root.fields:
        return f"t.OwnerId = '{user}'" if user.isalnum() else "0"
    if name == "mru":
        return f"t.{VIEWED} IS NOT NULL" if VIEWED in root.fields else "0"
    if name in NOT_EXECUTED:
        raise not_executed(f"USING SCOPE {scope.text}")
    message = f"Scope '{scope.text}' is not supported for entity '{root.name}'"
    raise complain("MALFORMED_QUERY", text, scope.at, message)
