"""SOQL: values made literals, queries rendered, queries of others bounded."""

from __future__ import annotations

from crmlink_common.salesforce.soql.bounds import Bounded, bounded
from crmlink_common.salesforce.soql.building import select, split_in
from crmlink_common.salesforce.soql.conditions import (
    Condition,
    and_,
    compare,
    contains,
    excludes,
    in_query,
    includes,
    is_in,
    not_,
    not_in,
    or_,
    starts_with,
)
from crmlink_common.salesforce.soql.errors import SoqlError
from crmlink_common.salesforce.soql.literals import Literal, Money, Relative, quote
from crmlink_common.salesforce.soql.rendering import render
from crmlink_common.salesforce.soql.syntax import parse
from crmlink_common.salesforce.soql.trimming import trimmed

__all__ = [
    "Bounded",
    "Condition",
    "Literal",
    "Money",
    "Relative",
    "SoqlError",
    "and_",
    "bounded",
    "compare",
    "contains",
    "excludes",
    "in_query",
    "includes",
    "is_in",
    "not_",
    "not_in",
    "or_",
    "parse",
    "quote",
    "render",
    "select",
    "split_in",
    "starts_with",
    "trimmed",
]
