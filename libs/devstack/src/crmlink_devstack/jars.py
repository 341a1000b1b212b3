"""Kafka's jars: exactly those of the committed lock file, with the committed SHA-256 sums."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from requests import RequestException

from crmlink_devstack.errors import DevstackError

LOCK = Path(__file__).with_name("jgo.lock.toml")
TRIES = 3
AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked artifact."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """Return the file's name."""
        return f"{self.artifact}-{self.version}.jar"


Fetch = Callable[[Jar, Path], Path]
Sleep = Callable[[float], None]


def locked(lock: Path = LOCK) -> list[Jar]:
    """Read the committed lock file."""
    found = tomllib.loads(lock.read_text())["dependencies"]
    return [Jar(d["groupId"], d["artifactId"], d["version"], d["sha256"]) for d in found]


def fetch_with_jgo(jar: Jar, folder: Path) -> Path:
    """Download one artifact below the folder; jgo's own settings name other repositories."""
    from jgo.config import GlobalSettings  # noqa: PLC0415 - slow to import, needed once
    from jgo.maven import MavenContext  # noqa: PLC0415

    repositories = GlobalSettings.load().repositories or None
    context = MavenContext(repo_cache=folder, remote_repos=repositories, timeout=30)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact().resolve())


def class_path(
    folder: Path,
    jars: Sequence[Jar] | None = None,
    fetch: Fetch = fetch_with_jgo,
    sleep: Sleep = time.sleep,
) -> str:
    """Return the class path of jars that are all there and all as committed."""
    wanted = locked() if jars is None else jars
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if missing := [jar for jar in wanted if not (folder / jar.name).exists()]:
            _fetch_all(missing, folder, fetch, sleep)
        verify(folder, wanted)
    return ":".join(str(folder / jar.name) for jar in wanted)


def verify(folder: Path, jars: Sequence[Jar]) -> None:
    """Refuse a folder that holds anything but the jars of the lock file."""
    cure = f"Delete the folder {folder} and start again: the jars are then fetched anew."
    expected = {jar.name: jar.sha256 for jar in jars}
    found = {path.name for path in folder.glob("*.jar")}
    for name in sorted(expected.keys() - found):
        raise DevstackError(f"Kafka's jar {name} is missing in {folder}. {cure}")
    for name in sorted(found - expected.keys()):
        raise DevstackError(f"{name} in {folder} is no jar of the lock file. {cure}")
    for name, sha256 in expected.items():
        if _sum(folder / name) != sha256:
            raise DevstackError(
                f"Kafka's jar {name} in {folder} is not the one that was committed (its SHA-256 "
                f"sum differs), so Java was not started. {cure}"
            )


def _fetch_all(jars: Sequence[Jar], folder: Path, fetch: Fetch, sleep: Sleep) -> None:
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as temporary,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        for jar, path in zip(
            jars,
            pool.map(lambda jar: _fetch(jar, Path(temporary), fetch, sleep), jars),
            strict=True,
        ):
            if _sum(path) != jar.sha256:
                raise DevstackError(
                    f"The downloaded {jar.name} is not the jar that was committed (its SHA-256 "
                    "sum differs), so it was thrown away: check the proxy or mirror that answers "
                    "for Maven artifacts here, then start again."
                )
            shutil.move(path, folder / jar.name)


def _fetch(jar: Jar, folder: Path, fetch: Fetch, sleep: Sleep) -> Path:
    for attempt in range(1, TRIES + 1):
        try:
            return fetch(jar, folder / f"{jar.artifact}-{attempt}")
        except (RequestException, RuntimeError, OSError) as exc:
            reason = type(exc).__name__
            sleep(0.5 * attempt)
    raise DevstackError(
        f"Kafka's jar {jar.name} could not be downloaded ({reason}): check the network, the "
        "proxy settings and free disk space, then start again (what has arrived is kept), or "
        "name a broker of your own with make run BROKER=host:port."
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time fetch or check: two test runs may share the folder."""
    with (folder.parent / f".{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
