"""What admins of an org have set up: rules that refuse, rewrite, assign and touch records.

All of it is data and off until set. `Automation.change` takes a JSON object with any of these
lists; a list given replaces the one there was:

- `validationRules`: `{"object", "name", "when", "message", "field"?}`; `when` (see `expressions`)
  is true of a wrong record.
- `duplicateRules`: `{"object", "name", "match": [["Email"], ["LastName", "Phone"]], "against"?:
  ["Lead"], "action": "alert" | "block", "message"?}`; one group of equal fields is a match.
- `rewrites`: `{"object", "field", "value", "when"?, "on"?}`; done before the save, as a trigger
  or flow would; `on` is a list of "create" and "update".
- `triggers`: `{"object", "message", "when"?, "on"?, "name"?}`; a trigger that fails; `on` may
  say "delete" as well.
- `touches`: `{"object", "seconds"}`; so long after a save the record changes once more.
- `assignments`: `{"object", "owner", "when"?}`; who owns a new record without a given owner.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.expressions import Record, worked_out
from crmlink_salesforce_sim.ids import full_id
from crmlink_salesforce_sim.store import Store

FACT = "automation"
MOST_RULES = 500
SAVES = ("create", "update")
ACTIONS = ("alert", "block")
EMPTY = Record({})


class AutomationError(ValueError):
    """Rules that cannot be used; its text says which and why."""


@dataclass(frozen=True)
class ValidationRule:
    """A rule that refuses a record with the admin's own words."""

    sobject: str
    name: str
    when: object
    message: str
    field: str | None = None


@dataclass(frozen=True)
class DuplicateRule:
    """A rule that finds records that are probably the same.

    `alert` lets a caller save who allows duplicates; `block` never does.
    """

    sobject: str
    name: str
    match: tuple[tuple[str, ...], ...]
    against: tuple[str, ...] = ()
    action: str = "alert"
    message: str = "Use one of these records?"


@dataclass(frozen=True)
class Rewrite:
    """A field that automation sets before a save."""

    sobject: str
    field: str
    value: object
    when: object = 1
    on: tuple[str, ...] = SAVES


@dataclass(frozen=True)
class Trigger:
    """A trigger that fails."""

    sobject: str
    message: str
    when: object = 1
    on: tuple[str, ...] = SAVES
    name: str = "Guard"


@dataclass(frozen=True)
class Touch:
    """A change of a record some time after its save, as asynchronous automation makes."""

    sobject: str
    seconds: float


@dataclass(frozen=True)
class Assignment:
    """Who owns a new record: a user or a queue."""

    sobject: str
    owner: str
    when: object = 1


Rule = ValidationRule | DuplicateRule | Rewrite | Trigger | Touch | Assignment
KINDS: dict[str, Callable[..., Rule]] = {
    "validationRules": ValidationRule,
    "duplicateRules": DuplicateRule,
    "rewrites": Rewrite,
    "triggers": Trigger,
    "touches": Touch,
    "assignments": Assignment,
}
STANDARD_DUPLICATE_RULES: list[Row] = [
    {
        "object": "Contact",
        "name": "Standard_Contact_Duplicate_Rule",
        "match": [["Email"], ["FirstName", "LastName", "Phone"]],
    },
    {
        "object": "Lead",
        "name": "Standard_Lead_Duplicate_Rule",
        "match": [["Email"], ["FirstName", "LastName", "Company"]],
        "against": ["Lead", "Contact"],
    },
    {
        "object": "Account",
        "name": "Standard_Account_Duplicate_Rule",
        "match": [["Name", "Phone"], ["Name", "BillingCity"]],
    },
]


class Automation:
    """The rules of an org, kept in its store.

    `touching` tells that there are, or were since the start, rules that touch records later.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self.touching = False
        kept = store.fact(FACT)
        self._set({} if kept is None else json.loads(kept))

    def state(self) -> Row:
        """Return all rules as `change` takes them."""
        return {name: [_told(one) for one in self._rules.get(name, ())] for name in KINDS}

    def change(self, document: Mapping[str, object]) -> None:
        """Replace the lists given, and keep them; AutomationError when one cannot be used."""
        self._set({**self.state(), **document})
        self._store.set_fact(FACT, json.dumps(self.state()))

    def reset(self) -> None:
        """Have no rules."""
        self._set({})
        self._store.set_fact(FACT, json.dumps(self.state()))

    def _set(self, document: Mapping[str, object]) -> None:
        if unknown := [name for name in document if name not in KINDS]:
            raise AutomationError(f"{unknown[0]}: one of {', '.join(KINDS)} is needed")
        rules = {name: _read(name, document.get(name, [])) for name in KINDS}
        self._rules = rules
        self._by: dict[tuple[str, str], tuple[Any, ...]] = {}
        self.touching = self.touching or bool(rules["touches"])

    def of(self, kind: str, sobject: str) -> tuple[Any, ...]:
        """Return the rules of a kind about an object, in the order given."""
        by = self._by
        if (found := by.get((kind, sobject))) is None:
            rules = self._rules[kind]
            found = tuple(one for one in rules if one.sobject.lower() == sobject.lower())
            by[kind, sobject] = found
        return found


def _told(rule: Rule) -> Row:
    told = asdict(rule)
    return {"object": told.pop("sobject"), **told}


def _read(kind: str, given: object) -> tuple[Rule, ...]:
    if not isinstance(given, list) or len(given) > MOST_RULES:
        raise AutomationError(f"{kind}: a list of at most {MOST_RULES} rules is needed")
    found = []
    for n, one in enumerate(given):
        try:
            rule = KINDS[kind](**_typed(one))
            _check(rule)
        except KeyError:
            raise AutomationError(f"{kind}[{n}]: object is needed") from None
        except (TypeError, ValueError) as exc:
            raise AutomationError(f"{kind}[{n}]: {exc}") from None
        found.append(rule)
    return tuple(found)


def _typed(given: object) -> dict[str, Any]:
    """Return a rule's settings with its lists as the rules keep them."""
    if not isinstance(given, dict):
        raise TypeError("an object is needed")
    settings = dict(given)
    settings["sobject"] = str(settings.pop("object"))
    if "match" in settings:
        settings["match"] = tuple(tuple(map(str, group)) for group in settings["match"])
    for name in ("against", "on"):
        if name in settings:
            settings[name] = tuple(map(str, settings[name]))
    return settings


def _check(rule: Rule) -> None:
    if isinstance(rule, DuplicateRule):
        if rule.action not in ACTIONS or not rule.match or not all(rule.match):
            raise ValueError("match has groups of fields, action is alert or block")
        return
    if isinstance(rule, Touch):
        if not 0 <= float(rule.seconds) <= 86_400:  # noqa: PLR2004 - a day
            raise ValueError("seconds are 0 to 86400")
        return
    if isinstance(rule, Assignment) and full_id(rule.owner) is None:
        raise ValueError("owner is an id")
    worked_out(rule.when, EMPTY)
    worked_out(getattr(rule, "value", None), EMPTY)
