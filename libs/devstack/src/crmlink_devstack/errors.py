"""What can go wrong on one machine, each told in one sentence with its cure."""

from __future__ import annotations


class DevstackError(Exception):
    """A person reads this: one sentence that names the cause and the cure."""


class PartDiedError(DevstackError):
    """A part ended, or was not ready in time; carries the end of its log."""
