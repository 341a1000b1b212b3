from __future__ import annotations

import base64
import hashlib
import json

import pytest

from crmlink_common.internal.auth import new_key_pair
from crmlink_oauth.__main__ import main
from crmlink_oauth.settings import Settings

KEY = base64.b64encode(hashlib.sha256(b"k1").digest()).decode()
GOOD = {
    "OAUTH_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "OAUTH_DATABASE_DSN": "postgresql://u:p@127.0.0.1/x",
    "OAUTH_INTERNAL_KEY": new_key_pair()[0],
    "OAUTH_PUBLIC_URL": "http://127.0.0.1:8080",
    "OAUTH_ENCRYPTION_KEYS": json.dumps({"k1": KEY}),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_good_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    assert Settings().public_url == GOOD["OAUTH_PUBLIC_URL"]
    assert KEY not in repr(Settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OAUTH_ENCRYPTION_KEYS", ""),
        ("OAUTH_ENCRYPTION_KEYS", "{}"),
        ("OAUTH_ENCRYPTION_KEYS", '{"k1": "c2hvcnQ="}'),
        ("OAUTH_ENCRYPTION_KEYS", json.dumps({"k1": base64.b64encode(bytes(32)).decode()})),
        ("OAUTH_ENCRYPTION_KEYS", json.dumps({"k1": base64.b64encode(b"x" * 32).decode()})),
        ("OAUTH_ENCRYPTION_KEYS", json.dumps({"k1": KEY, "k2": KEY})),
        ("OAUTH_ENCRYPTION_KEYS", f'{{"k1": "{KEY}", "k1": "{KEY}"}}'),
        ("OAUTH_ALLOWED_HOSTS", '["evil"]'),
        ("OAUTH_PUBLIC_URL", "crm.example"),
    ],
)
def test_without_good_settings_the_process_does_not_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)
    assert main(["serve"]) == 1
    told = capsys.readouterr().err
    assert name in told
    assert KEY not in told
    assert "c2hvcnQ=" not in told


def test_a_missing_key_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("OAUTH_ENCRYPTION_KEYS")
    assert main(["serve"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("OAUTH_ENCRYPTION_KEYS: ")
    assert "make one with: python -c" in told
