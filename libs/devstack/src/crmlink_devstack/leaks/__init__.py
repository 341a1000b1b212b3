"""Searches what a stack has left behind for secrets and for personal data in the wrong place."""

from __future__ import annotations

from crmlink_devstack.leaks.forms import Secret
from crmlink_devstack.leaks.known import people_of, secrets_of
from crmlink_devstack.leaks.places import Place, logs_of, tables_of, topics_of
from crmlink_devstack.leaks.search import Found, Search

__all__ = [
    "Found",
    "Place",
    "Search",
    "Secret",
    "logs_of",
    "people_of",
    "secrets_of",
    "tables_of",
    "topics_of",
]
