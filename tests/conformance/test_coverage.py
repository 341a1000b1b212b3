"""Statement by statement: what docs/salesforce-facts.md calls tested is named by a test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "docs" / "salesforce-facts.md"
STATEMENT = re.compile(r"^- \*\*(F\d+\.\d+)\*\* \[([^\]]*)\]", re.MULTILINE)
SOURCES = {"documented", "recorded", "secondary", "unverified"}
NAMED = re.compile(r'"(F\d+\.\d+)"')


def statements() -> dict[str, str]:
    found = STATEMENT.findall(FACTS.read_text(encoding="utf-8"))
    assert len(found) == len({number for number, _ in found}), "a number is used twice"
    return dict(found)


def named_by_tests() -> set[str]:
    folders = [ROOT / "tests", *ROOT.glob("libs/*/tests"), *ROOT.glob("services/*/tests")]
    files = [file for folder in folders for file in folder.rglob("test_*.py")]
    return {number for file in files for number in NAMED.findall(file.read_text(encoding="utf-8"))}


def test_every_statement_says_where_it_is_from_and_whether_it_is_tested() -> None:
    for number, bracket in statements().items():
        sources, _, told = bracket.partition("; ")
        assert set(sources.split(", ")) <= SOURCES, number
        assert told == "tested" or re.fullmatch(r"not here: .{10,}", told), number


def test_what_is_called_tested_is_named_by_a_test() -> None:
    tested = {number for number, told in statements().items() if told.endswith("; tested")}
    assert tested - named_by_tests() == set()


def test_no_test_names_a_statement_that_is_not_there_or_not_tested() -> None:
    tested = {number for number, told in statements().items() if told.endswith("; tested")}
    assert named_by_tests() - tested == set()
