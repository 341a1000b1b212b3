"""When the absence of a record proves that a call of unknown outcome never took effect."""

from __future__ import annotations

from datetime import datetime, timedelta

LONGEST_CALL = timedelta(minutes=10)
"""Salesforce lets a REST call run so long, also when its client has given up (Facts §6, §9)."""

ABSENCE_COUNTS_AFTER = timedelta(minutes=11)
"""``LONGEST_CALL``, and a minute for what is committed but not yet seen, and for clocks."""


def absence_counts(
    sent_at: datetime | None, looked_at: datetime, after: timedelta = ABSENCE_COUNTS_AFTER
) -> bool:
    """Say whether a record that was not there at ``looked_at`` cannot come any more.

    Both times are of one clock; ``sent_at`` is None for what was never sent. Until absence counts,
    "not found" means nothing: a second create would make a double.
    """
    return sent_at is None or looked_at - sent_at >= after
