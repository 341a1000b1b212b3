"""What can be asked of one org."""

from __future__ import annotations

from crmlink_common.salesforce.describing import Describing
from crmlink_common.salesforce.queries import Queries
from crmlink_common.salesforce.resources import Resources
from crmlink_common.salesforce.rows import Rows
from crmlink_common.salesforce.searches import Searches
from crmlink_common.salesforce.writing_session import WritingSession


class Org(Queries, Rows, Searches, Describing, Resources, WritingSession):
    """One workspace's org. Every method raises the errors of ``crmlink_common.errors``."""
