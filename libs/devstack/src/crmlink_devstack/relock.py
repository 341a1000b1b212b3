"""Write jgo.lock.toml anew from jgo.toml: run it, review the difference, commit."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.env import LockFile
from jgo.maven import MavenContext

from crmlink_devstack.jars import LOCK

NEEDED = (None, "compile", "runtime")


def main() -> None:
    """Resolve the coordinates of jgo.toml with all they need, and note each jar's sum."""
    wanted = tomllib.loads(LOCK.with_name("jgo.toml").read_text())["dependencies"]["coordinates"]
    with tempfile.TemporaryDirectory() as folder:
        repositories = GlobalSettings.load().repositories or None
        context = MavenContext(repo_cache=Path(folder), remote_repos=repositories, timeout=30)
        asked = [context.create_dependency(coordinates) for coordinates in wanted]
        inputs, needed = context.resolver.resolve(asked)
        found = [one for one in [*inputs, *needed] if one.scope in NEEDED]
        LockFile.from_resolved_dependencies(found).save(LOCK)
    sys.stdout.write(f"{LOCK.name}: {len(found)} jars\n")


if __name__ == "__main__":
    main()
