"""What a SOSL statement says."""

from dataclasses import dataclass

from crmlink_salesforce_sim.soql.nodes import Query


@dataclass(frozen=True)
class Returning:
    """One object of RETURNING, as the query that reads its records."""

    query: Query
    list_view: str | None = None


@dataclass(frozen=True)
class Search:
    """A whole statement; `term` is the text of FIND, its escapes still in it."""

    text: str
    term: str
    group: str = "ALL"
    returning: tuple[Returning, ...] = ()
    limit: int | None = None
    metadata: bool = False
    unexecuted: str | None = None
