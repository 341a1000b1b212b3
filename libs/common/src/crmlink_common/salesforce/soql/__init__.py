"""SOQL: values made literals, queries rendered, queries of others bounded."""

from __future__ import annotations

from crmlink_common.salesforce.soql.bounds import Bounded, bounded
from crmlink_common.salesforce.soql.errors import SoqlError
from crmlink_common.salesforce.soql.literals import Literal, quote, select, split_in

__all__ = ["Bounded", "Literal", "SoqlError", "bounded", "quote", "select", "split_in"]
