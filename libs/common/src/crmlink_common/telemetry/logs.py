"""Logs as JSON lines on stderr: constant event names with fields, never a payload."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One object a line. A traceback is told by type and place: its text quotes data."""

    def __init__(self, service: str, instance: str) -> None:
        super().__init__()
        self._who = {"service": service, "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._who,
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


def configure_logging(service: str, instance: str, level: str = "INFO") -> None:
    """Send everything to stderr as JSON lines; quieten libraries that quote data."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, instance))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("aiokafka", "faststream", "httpx", "httpcore", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("celpy", "Environment", "NameContainer", "Evaluator"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # decision: their text holds data
