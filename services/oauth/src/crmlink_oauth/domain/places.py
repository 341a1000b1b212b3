"""Where a sealed text lies, beside its workspace: it opens in that column and row alone."""

from __future__ import annotations

from collections.abc import Mapping


def place(table: str, column: str, row: str = "") -> str:
    """Name a place; ``row`` is needed where a workspace has several rows."""
    return f"{table}.{column}:{row}" if row else f"{table}.{column}"


def place_of(table: str, column: str, key: Mapping[str, str]) -> str:
    """Name a place by the primary key of its row, whose first part is the workspace."""
    return place(table, column, ":".join(v for k, v in key.items() if k != "workspace_id"))


def of_verifier(state_hash: str) -> str:
    return place("oauth_states", "verifier", state_hash)


def of_revocation(revocation_id: str) -> str:
    return place("revocations", "token", revocation_id)
