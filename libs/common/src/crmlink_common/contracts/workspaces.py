"""What a workspace may do. Null value: removed; every service purges after its grace."""

from __future__ import annotations

from pydantic import Field

from crmlink_common.contracts.cloudevents import Data, Revision, Topic


class Workspace(Data):
    revision: Revision
    crm_salesforce: bool = False  # the feature flag
    default_region: str = Field("US", pattern=r"^[A-Z]{2}$")  # for phones written without a country


WORKSPACES_V1 = Topic("workspaces.v1", Workspace, writers=frozenset({"gateway"}))
