"""FROM: the object of a statement, its aliases, and the children of a record."""

from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.schema import Child, Schema, SObject
from crmlink_salesforce_sim.soql.fields import Sources
from crmlink_salesforce_sim.soql.nodes import Path, Query
from crmlink_salesforce_sim.soql.place import complain, not_executed


def source_of(text: str, schema: Schema, query: Query, prefix: str = "t") -> Sources:
    """Return the sources of a statement, or refuse an object that does not exist."""
    found = schema.find(query.source.text)
    if found is None:
        message = (
            f"sObject type '{query.source.text}' is not supported. If you are attempting to use a"
            " custom object, be sure to append the '__c' after the entity name. Please reference"
            " your WSDL or the describe call for the appropriate names."
        )
        raise complain("INVALID_TYPE", text, query.source.at, message)
    sources = Sources(text, schema, found, prefix=prefix)
    name_sources(sources, query)
    return sources


def name_sources(sources: Sources, query: Query) -> None:
    """Learn the aliases of a statement; each further source is a parent of one before it."""
    if query.alias:
        sources.aliases[query.alias.lower()] = ()
    for one in query.sources[1:]:
        first, *rest = one.path.names
        known = first.lower() in sources.aliases or first.lower() == sources.root.name.lower()
        if not known or not rest:
            raise _another_object(sources, one.path)
        names = sources.names(one.path)
        owner = sources.follow(names[:-1], one.path).sobject
        if owner.parent(names[-1]) is None and _child(sources.schema, owner, names[-1]):
            raise not_executed("children as a further source of FROM")
        sources.follow(names, one.path)
        sources.aliases[(one.alias or one.path.names[-1]).lower()] = names


def _another_object(sources: Sources, path: Path) -> ApiError:
    message = (
        "A driving SObject type has already been set, all other entity types in the FROM clause"
        " must be relationships to the initial object.  The driving object is"
        f" {sources.root.name}."
    )
    return complain("MALFORMED_QUERY", sources.text, path.at, message)


def child_of(sources: Sources, query: Query) -> tuple[Child, str]:
    """Return the relationship a subquery is about, and its name."""
    path = query.source
    first, *rest = path.names
    if rest and first.lower() in (sources.root.name.lower(), *sources.aliases):
        path = Path(tuple(rest), path.at)
    if found := _child(sources.schema, sources.root, path.text):
        return found, found.field.childRelationshipName or ""
    message = (
        f"Didn't understand relationship '{path.text}' in FROM part of query call."
        " If you are attempting to use a custom relationship, be sure to append the '__r' after"
        " the custom relationship name. Please reference your WSDL or the describe call for the"
        " appropriate names."
    )
    raise complain("INVALID_TYPE", sources.text, path.at, message)


def _child(schema: Schema, parent: SObject, name: str) -> Child | None:
    for child in schema.children(parent):
        relationship = child.field.childRelationshipName
        if relationship and relationship.lower() == name.lower():
            return child
    return None
