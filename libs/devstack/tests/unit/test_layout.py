"""Ports, keys and settings: the same at every start, and nothing missing."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from crmlink_common.contracts.topics import SERVICES
from crmlink_devstack.errors import DevstackError
from crmlink_devstack.folders import MIB, require_space
from crmlink_devstack.keys import keys_in
from crmlink_devstack.layout import lay_out
from crmlink_devstack.options import Options
from crmlink_devstack.parts import Service


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DevstackError, match=r"Only 10 MiB are free .*: free some space"):
        require_space(tmp_path, lambda _: 10 * MIB)
    require_space(tmp_path, lambda _: 2_000 * MIB)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = keys_in(tmp_path)
    assert keys_in(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert first.bootstrap_key not in repr(first)


def test_keys_of_before_services_had_roles_get_passwords_once(tmp_path: Path) -> None:
    new, path = keys_in(tmp_path), tmp_path / "secrets.json"
    told = json.loads(path.read_text())
    del told["database"]
    path.write_text(json.dumps(told))
    mended = keys_in(tmp_path)
    assert mended == replace(new, database=mended.database)
    assert mended.database.keys() == set(SERVICES)
    assert keys_in(tmp_path) == mended
    assert not any(password in repr(mended) for password in mended.database.values())


@pytest.mark.parametrize("one_role", [False, True])
def test_each_service_has_a_database_role_of_its_own_where_that_can_be(
    tmp_path: Path, *, one_role: bool
) -> None:
    options = Options(folder=tmp_path, port=0, database="postgresql://u:p@h:1/d", one_role=one_role)
    keys = keys_in(tmp_path)
    _, parts = lay_out(options, keys)
    told = parts["sync-inbound-1"].child.environment["SYNC_INBOUND_DATABASE_DSN"]
    own = f"postgresql+psycopg://d_sync_inbound:{keys.database['sync-inbound']}@h:1/d"
    assert told == ("postgresql+psycopg://u:p@h:1/d" if one_role else own)


def test_damaged_keys_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(DevstackError, match="put it back, or run make clean"):
        keys_in(tmp_path)


def test_ports_stay_the_same_between_runs(tmp_path: Path) -> None:
    options = Options(folder=tmp_path, port=0)
    once, again = (lay_out(options, keys_in(tmp_path)) for _ in range(2))
    assert {n: p.port for n, p in once[1].items()} == {n: p.port for n, p in again[1].items()}
    assert len({part.port for part in once[1].values()}) == len(once[1])


def test_the_orgs_port_is_never_changed_in_silence(tmp_path: Path, taken_port: int) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"salesforce": taken_port}))
    with pytest.raises(DevstackError, match=rf"Port {taken_port} .* where salesforce was before"):
        lay_out(Options(folder=tmp_path, port=0), keys_in(tmp_path))


def test_your_servers_are_used_instead_of_ours(tmp_path: Path) -> None:
    options = Options(folder=tmp_path, port=0, broker="k:9", database="postgresql://u:p@h:1/d")
    wiring, parts = lay_out(options, keys_in(tmp_path))
    assert not {"kafka", "postgres"} & parts.keys()
    assert (wiring.bootstrap, wiring.dsn) == ("k:9", "postgresql+psycopg://u:p@h:1/d")


def test_every_service_is_told_how_to_reach_and_trust_the_others(tmp_path: Path) -> None:
    more = {"oauth": {"OAUTH_EXTRA": "1"}}
    options = Options(folder=tmp_path, port=0, settings=more)
    wiring, parts = lay_out(options, keys_in(tmp_path))
    for service in SERVICES:
        part = parts[f"{service}-1"]
        assert isinstance(part, Service)
        prefix = service.upper().replace("-", "_") + "_"
        told = {name.removeprefix(prefix): value for name, value in part.environment.items()}
        assert told["RECONCILER_URL"] == wiring.url("reconciler")
        assert json.loads(told["INTERNAL_TRUSTED"]).keys() == set(SERVICES)
        assert told["PORT"] == str(part.port)
        assert told["INTERNAL_KEY"] not in repr(part)
    assert parts["oauth-1"].child.environment["OAUTH_EXTRA"] == "1"
    assert wiring.org_origin in parts["oauth-1"].child.environment["OAUTH_ALLOWED_HOSTS"]
