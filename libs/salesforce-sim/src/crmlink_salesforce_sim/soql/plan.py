"""What to run for a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as default

from crmlink_salesforce_sim.schema import Field, SObject
from crmlink_salesforce_sim.soql.literals import Bound
from crmlink_salesforce_sim.soql.shape import Shape


@dataclass
class Plan:
    """What to run for a statement."""

    root: SObject
    shape: Shape
    columns: list[str] = default(default_factory=list)
    aliases: list[tuple[str, Field]] = default(default_factory=list)
    formatted: set[str] = default(default_factory=set)
    source: str = ""
    where: str = ""
    tail: str = ""
    bound: list[Bound] = default(default_factory=list)
    limit: int | None = None
    offset: int = 0
    counts_only: bool = False
    aggregate: bool = False
    long_text: bool = False
    children: list["ChildPlan"] = default(default_factory=list)
    purposes: tuple[str, ...] = ()
    whole: str | None = None

    def statement(self, columns: Sequence[str], limit: int) -> str:
        """Return the whole SELECT for some columns."""
        if self.whole is not None:
            return f"{self.whole} LIMIT {limit} OFFSET {self.offset}"
        words = ["SELECT", ", ".join(columns), self.source, self.where, self.tail]
        return " ".join([*words, f"LIMIT {limit} OFFSET {self.offset}"])

    def by_ids(self, count: int) -> str:
        """Return the SELECT for records whose ids are known."""
        marks = ", ".join("?" * count)
        return " ".join(
            ["SELECT", ", ".join(self.columns), self.source, f"WHERE t.Id IN ({marks})"]
        )


@dataclass(frozen=True)
class ChildPlan:
    """What to run for the children of one record: its id is bound first."""

    name: str
    plan: Plan
