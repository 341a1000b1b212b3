"""Where the stack keeps its files: one folder that `make clean` removes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from crmlink_devstack.errors import DevstackError

MIB = 1024 * 1024
NEEDED = 1024 * MIB


def project_root() -> Path:
    """Return the folder with the Makefile, or the current one outside a checkout."""
    checkout = Path(__file__).resolve().parents[4]
    return checkout if (checkout / "Makefile").exists() else Path.cwd()


def run_folder() -> Path:
    """Return the folder for data, logs, jars and state: `.run`, or $CRMLINK_RUN_FOLDER."""
    return Path(os.environ.get("CRMLINK_RUN_FOLDER") or project_root() / ".run").resolve()


def jars_folder() -> Path:
    """Return the folder of Kafka's jars: `.run/kafka/jars`, or $CRMLINK_KAFKA_JARS."""
    return Path(os.environ.get("CRMLINK_KAFKA_JARS") or run_folder() / "kafka" / "jars").resolve()


def free_bytes(folder: Path) -> int:
    """Return what is left on the disk of the folder."""
    return shutil.disk_usage(folder).free


def require_space(folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
    """Refuse to start on a disk that is nearly full: a server that cannot write loses data."""
    folder.mkdir(parents=True, exist_ok=True)
    if (left := free(folder)) < NEEDED:
        raise DevstackError(
            f"Only {left // MIB} MiB are free on the disk of {folder}, and {NEEDED // MIB} are "
            "needed: free some space, or set CRMLINK_RUN_FOLDER to a folder on another disk."
        )
