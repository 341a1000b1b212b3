from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from crmlink_common.salesforce.soql import select
from crmlink_common.salesforce.soql.__main__ import main
from crmlink_common.salesforce.soql.checking import LONGEST_LINE, check

COMMAND = [sys.executable, "-m", "crmlink_common.salesforce.soql", "check", "--max-rows", "200"]


def verdicts(given: bytes, max_rows: int = 200) -> list[dict[str, Any]]:
    target = io.StringIO()
    check(io.BytesIO(given), target, max_rows)
    return [json.loads(line) for line in target.getvalue().splitlines()]


def asked(query: str) -> dict[str, Any]:
    [verdict] = verdicts(json.dumps({"q": query}).encode())
    return verdict


def test_a_query_is_answered_by_its_bounded_form() -> None:
    assert asked("select Id from A // x") == {
        "ok": True,
        "query": "select Id from A LIMIT 200",
        "error": None,
    }


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "SELECT Id\nFROM A LIMIT x",
            {
                "code": "syntax_error",
                "message": "syntax_error at line 2, column 14. Expected a whole number.",
                "line": 2,
                "column": 14,
            },
        ),
        (
            "SELECT Id FROM A FOR UPDATE",
            {
                "code": "refused_for_update",
                "message": "refused_for_update at line 1, column 18. Leave the FOR clause out.",
                "line": 1,
                "column": 18,
            },
        ),
    ],
)
def test_a_query_that_may_not_be_asked_is_told_by_code_and_place(
    query: str, error: dict[str, Any]
) -> None:
    assert asked(query) == {"ok": False, "query": None, "error": error}


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"SELECT Id FROM A\n",
        b'{"q": 5}\n',
        b'{"query": "SELECT Id FROM A"}\n',
        b'["SELECT Id FROM A"]\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"q": "' + b"x" * (2 * LONGEST_LINE) + b'"}\n',
    ],
)
def test_a_line_that_is_no_such_json_is_told_and_the_next_is_read(line: bytes) -> None:
    first, second = verdicts(line + b'{"q": "SELECT Id FROM A"}')
    assert (first["ok"], first["query"], first["error"]["code"]) == (False, None, "invalid_line")
    assert second["ok"]


def test_half_a_character_does_no_harm() -> None:
    verdict = asked("SELECT Id FROM A WHERE B = '\ud800'")
    assert verdict["query"] == "SELECT Id FROM A WHERE B = '\ud800' LIMIT 200"


def test_the_command_answers_each_line_at_once() -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdin is not None
        assert process.stdout is not None
        for n in (5, 500):
            process.stdin.write(json.dumps({"q": select(["Id"], "A", limit=n)}).encode() + b"\n")
            process.stdin.flush()
            verdict = json.loads(process.stdout.readline())
            assert verdict["query"] == select(["Id"], "A", limit=min(n, 200))
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_query_of_the_greatest_length_fits_a_line_however_it_is_written() -> None:
    verdict = asked("\N{GRINNING FACE}" * 100_000)
    assert verdict["error"]["code"] == "syntax_error"


@pytest.mark.parametrize("closed", ["stdin", "stdout"])
def test_the_command_needs_an_input_and_an_output(
    closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, closed, None)
    with pytest.raises(SystemExit) as caught:
        main(["check"])
    assert caught.value.code == 2


def test_the_command_starts_without_a_client() -> None:
    code = "import crmlink_common.salesforce.soql, sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)  # noqa: S603 - our own
    assert {"httpx", "pydantic", "sqlalchemy"}.isdisjoint(told.stdout.decode().split())


@pytest.mark.parametrize(
    "arguments", [[], ["check", "--max-rows", "0"], ["check", "--max-rows", "x"]]
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
