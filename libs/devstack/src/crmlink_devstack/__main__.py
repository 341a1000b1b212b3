"""``python -m crmlink_devstack``."""

from __future__ import annotations

from crmlink_devstack.cli import app

app()
