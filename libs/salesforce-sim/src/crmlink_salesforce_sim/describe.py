"""Describe documents, made once for each object, with the keys a real org answers."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import cast

from crmlink_salesforce_sim.describe_fields import describe_field
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import Child, Schema, SObject
from crmlink_salesforce_sim.store import Store

MASTER = "012000000000000AAA"
CHANGED = "schema_changed"
BASE = "/services/data/v{}/sobjects/{}"
NOTHING = (
    *("defaultImplementation", "extendedBy", "extendsInterfaces", "implementedBy"),
    *("implementsInterfaces", "listviewable", "lookupLayoutable", "networkScopeFieldName"),
)
OURS = (  # of a given document, what the simulator decides
    *("childRelationships", "fields", "recordTypeInfos", "urls", "supportedScopes"),
    *("keyPrefix", "queryable", "retrieveable", "searchable", "replicateable"),
)


@dataclass(frozen=True)
class Document:
    """A describe document and the tag that tells its state."""

    body: Row
    etag: str


class Describes:
    """Makes describe documents and keeps them."""

    def __init__(self, schema: Schema, store: Store, now: Callable[[], datetime]) -> None:
        self._schema = schema
        self._made: dict[tuple[str, str], Document] = {}
        self._lock = threading.Lock()
        self._store, self._now = store, now
        if store.fact(CHANGED) is None:
            self.changed()
        self.last_modified = store.fact(CHANGED) or ""

    def changed(self) -> None:
        """Forget the documents made: the schema is another one from now on.

        The time told moves by a second at least: a caller who asked within it would see no change.
        """
        with self._lock:
            self._made.clear()
            moment = self._now()
            if before := self._store.fact(CHANGED):
                moment = max(moment, parsedate_to_datetime(before) + timedelta(seconds=1))
            self.last_modified = format_datetime(moment, usegmt=True)
        self._store.set_fact(CHANGED, self.last_modified)

    def of(self, sobject: SObject, version: str, record_types: list[Row]) -> Document:
        """Return the whole document of an object."""
        with self._lock:
            if (found := self._made.get((sobject.name, version))) is None:
                body = self._document(sobject, version, record_types)
                digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:8]
                found = self._made[sobject.name, version] = Document(body, f'"{digest}"')
            return found

    def unchanged_since(self, header: str | None) -> bool:
        """Tell whether If-Modified-Since names a time after the last change."""
        if header is None:
            return False
        try:
            return parsedate_to_datetime(header) >= parsedate_to_datetime(self.last_modified)
        except ValueError:
            return False

    def listed(self, version: str) -> Row:
        """Return the document about all objects."""
        found = [_summary(one, version) for one in self._schema.objects.values()]
        return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found}

    def _document(self, sobject: SObject, version: str, record_types: list[Row]) -> Row:
        given: Row = {
            name: value for name, value in (sobject.given or {}).items() if name not in OURS
        }
        return {
            **dict.fromkeys(NOTHING),
            **_summary(sobject, version),
            "actionOverrides": [],
            "compactLayoutable": sobject.writable,
            "namedLayoutInfos": [],
            "searchLayoutable": sobject.writable,
            "sobjectDescribeOption": "FULL",
            "supportedScopes": _scopes(sobject),
            **given,
            "childRelationships": self._children(sobject),
            "fields": [describe_field(one, sobject) for one in sobject.fields.values()],
            "recordTypeInfos": [_truly(one, sobject) for one in record_types],
            "urls": _urls(sobject, version, whole=True),
        }

    def _children(self, sobject: SObject) -> list[Row]:
        """Return the children known here, and those a given document tells of beside them."""
        found = [_child(one) for one in self._schema.children(sobject)]
        known = {(one["childSObject"], one["field"]) for one in found}
        given = cast("list[Row]", (sobject.given or {}).get("childRelationships", []))
        return found + [one for one in given if (one["childSObject"], one["field"]) not in known]


def _scopes(sobject: SObject) -> list[Row]:
    every: Row = {"label": f"All {sobject.label_plural.lower()}", "name": "everything"}
    if "OwnerId" not in sobject.fields:
        return [every]
    return [every, {"label": f"My {sobject.label_plural.lower()}", "name": "mine"}]


def _truly(info: Row, sobject: SObject) -> Row:
    """Tell of an inactive record type as inactive."""
    closed = {one.developer_name for one in sobject.record_types if not one.active}
    if info["developerName"] not in closed:
        return info
    return {**info, "active": False, "available": False}


def _summary(sobject: SObject, version: str) -> Row:
    yes, written = True, sobject.writable
    found: Row = {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": written,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": written,
        "deprecatedAndHidden": False,
        "feedEnabled": written,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": written,
        "mergeable": sobject.mergeable,
        "mruEnabled": written,
        "name": sobject.name,
        "queryable": yes,
        "replicateable": yes,
        "retrieveable": yes,
        "searchable": written,
        "triggerable": written,
        "undeletable": written,
        "updateable": written,
        "urls": _urls(sobject, version, whole=False),
    }
    given = sobject.given or {}
    return found | {name: given[name] for name in found if name in given and name not in OURS}


def _urls(sobject: SObject, version: str, *, whole: bool) -> Row:
    base = BASE.format(version, sobject.name)
    found: Row = {
        "rowTemplate": base + "/{ID}",
        "describe": base + "/describe",
        "sobject": base,
    }
    if sobject.writable:
        found |= {
            "approvalLayouts": base + "/describe/approvalLayouts",
            "compactLayouts": base + "/describe/compactLayouts",
            "defaultValues": base + "/defaultValues?recordTypeId&fields",
            "layouts": base + "/describe/layouts",
            "listviews": base + "/listviews",
            "quickActions": base + "/quickActions",
        }
    if whole:
        new = f"/{sobject.key_prefix}/e"
        found |= {"uiDetailTemplate": "/{ID}", "uiEditTemplate": "/{ID}/e", "uiNewRecord": new}
    return found


def _child(child: Child) -> Row:
    return {
        "cascadeDelete": child.field.cascade,
        "childSObject": child.sobject.name,
        "deprecatedAndHidden": False,
        "field": child.field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.field.childRelationshipName,
        "restrictedDelete": child.field.restrictedDelete,
    }


def record_type_info(name: str, developer_name: str, record_type: str, sobject: SObject) -> Row:
    """Return how a describe document tells of a record type."""
    master = record_type == MASTER
    url = BASE.format("66.0", sobject.name) + f"/describe/layouts/{record_type}"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": master,
        "developerName": developer_name,
        "master": master,
        "name": name,
        "recordTypeId": record_type,
        "urls": {"layout": url},
    }
