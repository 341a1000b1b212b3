"""A process without good settings does not start, and says why without saying them."""

from __future__ import annotations

import json

import pytest

from crmlink_common.internal.auth import new_key_pair
from crmlink_gateway.__main__ import main

GOOD = {
    "KAFKA_BOOTSTRAP": "127.0.0.1:9",
    "DATABASE_DSN": "postgresql://nobody:hush@127.0.0.1:9/none",
    "INTERNAL_KEY": new_key_pair()[0],
    "PUBLIC_URL": "http://127.0.0.1:8080",
    "BOOTSTRAP_KEY": "crmlink_hush_and_long_enough",
    "BOOTSTRAP_WORKSPACE": "0b7c9a52-5d7e-4b38-9d55-2d3c8a0a6c11",
    **{f"{name}_URL": "http://127.0.0.1:9" for name in ("OAUTH", "RECONCILER", "TOOLS")},
    **{f"SYNC_{name}_URL": "http://127.0.0.1:9" for name in ("OUTBOUND", "INBOUND")},
}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PUBLIC_URL", "hush.example", "GATEWAY_PUBLIC_URL"),
        ("BOOTSTRAP_KEY", "hush", "at least 24 characters"),
        ("BOOTSTRAP_WORKSPACE", "", "GATEWAY_BOOTSTRAP_WORKSPACE"),
        ("PORT", "hush", "GATEWAY_PORT"),
        ("INTERNAL_KEY", "hush", "GATEWAY_INTERNAL_KEY: "),
        ("INTERNAL_KEY", new_key_pair()[1], "private key"),
        ("INTERNAL_TRUSTED", '{"oauth": "hush"}', "GATEWAY_INTERNAL_TRUSTED: "),
        ("INTERNAL_TRUSTED", json.dumps({"oauth": new_key_pair()[0]}), "public key"),
        ("INTERNAL_TRUSTED", "hush", "JSON object"),
    ],
)
def test_without_good_settings_the_process_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    told: str,
) -> None:
    for known, good in (GOOD | {name: value}).items():
        monkeypatch.setenv(f"GATEWAY_{known}", good)
    assert main(["serve"]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert "hush" not in said
