"""Settings of what admins set up: automation, validation and duplicate rules, Person Accounts."""

from collections.abc import Callable
from dataclasses import dataclass

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.automation import (
    KINDS,
    STANDARD_DUPLICATE_RULES,
    Automation,
    AutomationError,
)
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.generate.basics import complete
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.person_accounts import switched_on
from crmlink_salesforce_sim.schema import load_schema

OF_PERSONS = ("Account", "Contact")


@dataclass(frozen=True)
class Rules:
    """All rules of the org, as `automation` reads them."""

    automation: Automation

    def state(self) -> object:
        """Return every list of rules."""
        return self.automation.state()

    def change(self, asked: Asked) -> None:
        """Replace the lists that are given."""
        document: Row = {name: asked.value(name) for name in KINDS if name in asked}
        asked.done()
        if not document:
            raise AskedError(next(iter(KINDS)), f"is needed, or one of {', '.join(KINDS)}")
        try:
            self.automation.change(document)
        except AutomationError as exc:
            field, _, reason = str(exc).partition(": ")
            raise AskedError(field, reason) from None

    def reset(self) -> None:
        """Have no rules."""
        self.automation.reset()


@dataclass(frozen=True)
class DuplicateRules:
    """The switch of the standard duplicate rules every new org comes with."""

    automation: Automation

    def state(self) -> object:
        """Tell whether there are duplicate rules, and which."""
        found = self.automation.state()["duplicateRules"]
        return {"on": bool(found), "rules": found}

    def change(self, asked: Asked) -> None:
        """Switch the standard rules `on` or off."""
        on = asked.flag("on", default=True)
        asked.done()
        self.automation.change({"duplicateRules": STANDARD_DUPLICATE_RULES if on else []})

    def reset(self) -> None:
        """Switch them off."""
        self.automation.change({"duplicateRules": []})


@dataclass(frozen=True)
class PersonAccounts:
    """The switch of Person Accounts; as in an org, it cannot be switched off again."""

    org: Org
    undo_changes: Callable[[], None]

    def state(self) -> object:
        """Tell whether they are on."""
        return {"on": switched_on(self.org.schema.objects["Account"])}

    def change(self, asked: Asked) -> None:
        """Switch them `on`; changes of the schema made before are undone first."""
        if not asked.flag("on", default=True):
            raise AskedError("on", "Person Accounts cannot be switched off again")
        asked.done()
        self.undo_changes()
        if switched_on(self.org.schema.objects["Account"]):
            return
        fresh = load_schema(person_accounts=True)
        for name in OF_PERSONS:
            self.org.schema.put(fresh.objects[name])
            self.org.store.add(fresh.objects[name])
        complete(self.org.store)
        self.org.describes.changed()

    def reset(self) -> None:
        """Leave them as they are: nothing switches them off."""
