"""Versions of the API: which an org offers, which is used, and what each lacks.

An org offers 31.0 and newer (facts §0; read 2026-05-06); retired ones answer 410.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from crmlink_common.errors import InvalidInputError

DEFAULT_VERSION = "59.0"
NEWEST = "newest"
MINIMUM_VERSION = "42.0"  # below it there are no Collections, and each record is a call
_VERSION = re.compile(r"[1-9][0-9]{1,2}\.0\Z", re.ASCII)


class VersionRefusedError(InvalidInputError):
    """The version is none, is too old for us, or is not offered by the org."""

    code = "api_version_refused"


class LackingError(InvalidInputError):
    """The connection's version does not have this."""

    code = "api_version_lacks_feature"


class Feature(StrEnum):
    """What not every version has."""

    COMPOSITE = "composite"
    PARAMETERIZED_SEARCH = "parameterized_search"
    RECORD_COUNTS = "record_counts"
    BULK_INGEST = "bulk_ingest"
    COLLECTIONS = "collections"
    COLLECTIONS_UPSERT = "collections_upsert"
    UPSERT_TELLS_CREATED = "upsert_tells_created"  # before it an update's answer has no body
    BULK_QUERY = "bulk_query"
    COMPOSITE_GRAPH = "composite_graph"
    FIELDS_FUNCTION = "fields_function"
    NESTED_SUBQUERIES = "nested_subqueries"  # children of children


SINCE: Mapping[Feature, int] = MappingProxyType(
    {
        Feature.PARAMETERIZED_SEARCH: 36,
        Feature.COMPOSITE: 38,  # unverified
        Feature.RECORD_COUNTS: 40,
        Feature.BULK_INGEST: 41,
        Feature.COLLECTIONS: 42,
        Feature.COLLECTIONS_UPSERT: 46,
        Feature.UPSERT_TELLS_CREATED: 46,
        Feature.BULK_QUERY: 47,
        Feature.COMPOSITE_GRAPH: 50,
        Feature.FIELDS_FUNCTION: 51,
        Feature.NESTED_SUBQUERIES: 58,
    }
)


@dataclass(frozen=True, slots=True)
class Version:
    """One that an org offers: ``number`` as in 59.0, ``label`` as in Winter '24."""

    number: str
    label: str = ""


def is_version(text: str) -> bool:
    """Tell whether it has the form ``59.0``."""
    return _VERSION.match(text) is not None


def read_versions(told: Any) -> list[Version]:  # noqa: ANN401 - any JSON value
    """Read GET /services/data, oldest first; leave out what is no version."""
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    found = [Version(str(row.get("version")), str(row.get("label", ""))) for row in rows]
    return sorted((one for one in found if is_version(one.number)), key=_age)


def _age(version: Version) -> float:
    return float(version.number)


def checked_version(text: str) -> str:
    """Return ``v59.0`` as ``59.0``, or ``newest``.

    Raises:
        VersionRefusedError: it is no version, or older than MINIMUM_VERSION.
    """
    bare = text.strip().lower().removeprefix("v")
    if bare == NEWEST:
        return bare
    if not is_version(bare) or float(bare) < float(MINIMUM_VERSION):
        raise VersionRefusedError(
            "this is not an API version that can be used",
            field="api_version",
            cure=f"Enter one such as v{DEFAULT_VERSION}, at least v{MINIMUM_VERSION}, or newest.",
        )
    return bare


def choose_version(wanted: str, offered: Iterable[str]) -> str:
    """Return the version to use: the wanted one, or the newest if that is wanted.

    Raises:
        VersionRefusedError: the org does not offer it.
    """
    known = [one for one in offered if is_version(one)]
    bare = checked_version(wanted)
    usable = [one for one in known if float(one) >= float(MINIMUM_VERSION)]
    if bare == NEWEST and usable:
        return max(usable, key=float)
    if bare in usable:
        return bare
    raise VersionRefusedError(
        "the org does not offer this API version", field="api_version", cure=_offer(usable)
    )


def _offer(usable: Sequence[str]) -> str:
    if not usable:
        return "Check the Instance URL: what answers there offers no version."
    oldest, newest = min(usable, key=float), max(usable, key=float)
    return f"Choose one from v{oldest} to v{newest}."


def has(version: str, feature: Feature) -> bool:
    """Tell whether a version has a feature."""
    return float(version) >= SINCE[feature]


def require(version: str, feature: Feature) -> None:
    """Raise LackingError for a version that does not have a feature."""
    if not has(version, feature):
        raise LackingError(
            f"API version {version} lacks {feature}",
            field="api_version",
            cure=f"Choose v{SINCE[feature]}.0 or newer on the connection.",
        )
