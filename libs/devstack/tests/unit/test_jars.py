"""Java starts with exactly the committed jars, or not at all."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from requests import ConnectionError as NoNetworkError

from crmlink_devstack import jars
from crmlink_devstack.errors import DevstackError
from crmlink_devstack.jars import Jar, class_path, locked

CONTENT = {"a-1.jar": b"one", "b-2.jar": b"two"}
JARS = [
    Jar("g", "a", "1", hashlib.sha256(b"one").hexdigest()),
    Jar("g", "b", "2", hashlib.sha256(b"two").hexdigest()),
]


def from_the_net(jar: Jar, folder: Path) -> Path:
    folder.mkdir()
    path = folder / jar.name
    path.write_bytes(CONTENT[jar.name])
    return path


def changed_on_the_way(jar: Jar, folder: Path) -> Path:
    path = from_the_net(jar, folder)
    path.write_bytes(b"evil")
    return path


def no_network(jar: Jar, folder: Path) -> Path:
    raise NoNetworkError("https://somewhere.example/secret-path")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    class_path(tmp_path / "jars", JARS, from_the_net)
    return tmp_path / "jars"


def refused(folder: Path) -> str:
    with pytest.raises(DevstackError) as caught:
        class_path(folder, JARS, no_network, sleep=lambda _: None)
    return str(caught.value)


def test_what_is_there_is_not_fetched_again(folder: Path) -> None:
    told = class_path(folder, JARS, no_network)
    assert told == f"{folder / 'a-1.jar'}:{folder / 'b-2.jar'}"


def test_a_jar_with_a_wrong_sum_is_refused_and_left_in_place(folder: Path) -> None:
    (folder / "b-2.jar").write_bytes(b"evil")
    told = refused(folder)
    assert re.match(r"Kafka's jar b-2\.jar .* SHA-256 sum differs.*Delete the folder", told)
    assert (folder / "b-2.jar").read_bytes() == b"evil"


def test_a_jar_that_is_not_in_the_lock_file_is_refused(folder: Path) -> None:
    (folder / "c-3.jar").write_bytes(b"three")
    assert re.match(r"c-3\.jar in .* is no jar of the lock file\. Delete", refused(folder))


def test_a_missing_jar_alone_is_fetched(folder: Path) -> None:
    (folder / "a-1.jar").unlink()
    class_path(folder, JARS, from_the_net)
    assert (folder / "a-1.jar").read_bytes() == b"one"


def test_a_missing_jar_is_named(folder: Path) -> None:
    (folder / "a-1.jar").unlink()
    with pytest.raises(DevstackError, match=r"a-1\.jar is missing in .*Delete the folder"):
        jars.verify(folder, JARS)


def test_a_download_with_a_wrong_sum_never_gets_in(tmp_path: Path) -> None:
    with pytest.raises(DevstackError, match="was thrown away: check the proxy or mirror"):
        class_path(tmp_path / "jars", JARS, changed_on_the_way)
    assert list((tmp_path / "jars").iterdir()) == []


def test_no_network_is_one_sentence_with_the_cure_and_no_address(tmp_path: Path) -> None:
    told = refused(tmp_path / "jars")
    assert re.match(r"Kafka's jar a-1\.jar could not be downloaded .*: check the network", told)
    assert "somewhere" not in told
    assert "\n" not in told


def test_nothing_is_left_of_an_interrupted_download(tmp_path: Path) -> None:
    class_path(tmp_path / "jars", JARS, from_the_net)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".jars.lock", "jars"]


def test_the_committed_lock_file_names_sums_and_no_addresses() -> None:
    found = locked()
    assert {"kafka_2.13", "slf4j-simple"} <= {jar.artifact for jar in found}
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in found)
    assert "://" not in jars.LOCK.read_text()
    assert "://" not in jars.LOCK.with_name("jgo.toml").read_text()
