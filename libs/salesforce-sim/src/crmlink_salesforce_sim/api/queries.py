"""query, queryAll and the pages that follow."""

import re

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.api.router import Router
from crmlink_salesforce_sim.errors import ApiError
from crmlink_salesforce_sim.explain import explain
from crmlink_salesforce_sim.org import Org
from crmlink_salesforce_sim.queries import Queries

_BATCH = re.compile(r"batchsize\s*=\s*(\d{1,6})", re.IGNORECASE)


def add_queries(router: Router) -> None:
    """Add the query resources."""
    router.add("query", GET=_query)
    router.add("queryAll", GET=_query_all)
    router.add("query/*", GET=_more)
    router.add("queryAll/*", GET=_more)


def _queries(org: Org, call: Call) -> Queries:
    found = _BATCH.search(call.headers.get("sforce-query-options", ""))
    batch = int(found[1]) if found else None
    return Queries(org, call.user, call.version, batch)


def _text(call: Call) -> str:
    if not (text := call.params.get("q", "")):
        raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
    return text


def _query(org: Org, call: Call) -> Answer:
    if explained := call.params.get("explain"):
        return Answer(explain(_queries(org, call), explained))
    return Answer(_queries(org, call).run(_text(call)))


def _query_all(org: Org, call: Call) -> Answer:
    return Answer(_queries(org, call).run(_text(call), deleted=True))


def _more(org: Org, call: Call, locator: str) -> Answer:
    return Answer(_queries(org, call).more(locator))
