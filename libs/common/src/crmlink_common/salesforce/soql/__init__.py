"""SOQL: values made literals, queries rendered, queries of others bounded."""

from __future__ import annotations

from crmlink_common.salesforce.soql.bounds import Bounded, bounded
from crmlink_common.salesforce.soql.errors import SoqlError
from crmlink_common.salesforce.soql.literals import Literal, quote, select, split_in
from crmlink_common.salesforce.soql.rendering import render
from crmlink_common.salesforce.soql.syntax import parse
from crmlink_common.salesforce.soql.trimming import trimmed

__all__ = [
    "Bounded",
    "Literal",
    "SoqlError",
    "bounded",
    "parse",
    "quote",
    "render",
    "select",
    "split_in",
    "trimmed",
]
