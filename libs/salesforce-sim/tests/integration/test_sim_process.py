"""The org as a process of its own, over real sockets."""

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration

FEW = ["--accounts", "2", "--contacts", "5", "--leads", "2"]


@contextmanager
def running(*arguments: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", "0", *FEW, *arguments]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""  # no terminal: what is told there ends in a log


def test_it_keeps_its_identity_and_records_between_runs(tmp_path: Path) -> None:
    data = tmp_path / "org.sqlite"
    with running("--data", str(data)) as first:
        assert httpx.get(first["url"] + "/services/data", timeout=10).status_code == 200
        assert first["ca"] is None
    with running("--data", str(data), "--seed", "9") as second:
        names = ("client_id", "client_secret", "username", "password")
        assert [first[name] for name in names] == [second[name] for name in names]


def test_it_speaks_tls_with_a_ca_of_its_own(tmp_path: Path) -> None:
    with running("--tls", str(tmp_path / "tls")) as told:
        trusted = ssl.create_default_context(cafile=told["ca"])
        answer = httpx.get(told["url"] + "/services/data", verify=trusted, timeout=10)
        assert answer.json()[-1]["version"] == "66.0"
        with pytest.raises(httpx.ConnectError):
            httpx.get(told["url"] + "/services/data", timeout=10)


def test_a_port_in_use_gives_one_sentence_with_the_cure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "crmlink_salesforce_sim", "--port", port]
        found = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, timeout=60, check=False
        )
    assert found.returncode == 1
    assert found.stdout == ""
    assert f"Port {port}" in found.stderr
    assert "another --port" in found.stderr
    assert len(found.stderr.splitlines()) == 1
