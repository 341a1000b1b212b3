"""Describe documents, made once for each object, with the keys a real org answers."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from crmlink_salesforce_sim.describe_fields import describe_field
from crmlink_salesforce_sim.errors import Row
from crmlink_salesforce_sim.schema import Child, Schema, SObject
from crmlink_salesforce_sim.store import Store

MASTER = "012000000000000AAA"
CHANGED = "schema_changed"
BASE = "/services/data/v{}/sobjects/{}"


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
        if store.fact(CHANGED) is None:
            store.set_fact(CHANGED, format_datetime(now(), usegmt=True))
        self.last_modified = store.fact(CHANGED) or ""

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
        children = self._schema.children(sobject)
        empty = ("defaultImplementation", "extendedBy", "extendsInterfaces", "implementedBy")
        nothing = dict.fromkeys((*empty, "implementsInterfaces", "listviewable"))
        return {
            **_summary(sobject, version),
            **nothing,
            "actionOverrides": [],
            "childRelationships": [_child(one) for one in children],
            "compactLayoutable": sobject.writable,
            "fields": [describe_field(one, sobject) for one in sobject.fields.values()],
            "lookupLayoutable": None,
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": record_types,
            "searchLayoutable": sobject.writable,
            "sobjectDescribeOption": "FULL",
            "supportedScopes": [
                {"label": f"All {sobject.label_plural.lower()}", "name": "everything"},
                {"label": f"My {sobject.label_plural.lower()}", "name": "mine"},
            ],
            "urls": _urls(sobject, version, whole=True),
        }


def _summary(sobject: SObject, version: str) -> Row:
    yes, written = True, sobject.writable
    return {
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


def _urls(sobject: SObject, version: str, *, whole: bool) -> Row:
    base = BASE.format(version, sobject.name)
    more: Row = {"uiDetailTemplate": "/{ID}", "uiEditTemplate": "/{ID}/e"} if whole else {}
    found: Row = {"rowTemplate": base + "/{ID}", "describe": base + "/describe", "sobject": base}
    return found | more


def _child(child: Child) -> Row:
    return {
        "cascadeDelete": child.field.cascade,
        "childSObject": child.sobject.name,
        "deprecatedAndHidden": False,
        "field": child.field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.field.childRelationshipName,
        "restrictedDelete": False,
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
