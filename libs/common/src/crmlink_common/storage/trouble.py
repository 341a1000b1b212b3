"""Trouble with the database that passes, told apart from what is wrong with a statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc as db

from crmlink_common.errors import TransientError

# a lock that is held, a connection that broke, a pool that is empty
PASSES = (db.OperationalError, db.InterfaceError, db.InternalError, db.TimeoutError)


@contextmanager
def transient() -> Iterator[None]:
    """Raise TransientError for what may work a moment later; its text names the kind alone."""
    try:
        yield
    except PASSES as exc:
        raise TransientError(type(exc).__name__) from exc
