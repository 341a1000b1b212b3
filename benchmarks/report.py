"""Runs the benchmarks, and writes what they found for machines and for people.

Run it as ``python benchmarks/report.py``, or by ``make prove``. It asserts nothing: a figure
beyond its bound says so in the report.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import machine

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "benchmarks" / "report.json"
REPORT = ROOT / "docs" / "reports" / "performance.md"
Lines = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: float
    unit: str
    bound: float | None = None
    note: str = ""

    def rendered(self) -> str:
        if self.bound is None:
            kept = "-"
        else:
            kept = "kept" if self.figure <= self.bound else "**exceeded**"
        bound = "-" if self.bound is None else f"{self.bound:g} {self.unit}"
        return f"| {self.what} | {self.figure:g} {self.unit} | {bound} | {kept} | {self.note} |"


def of_the_simulator(lines: Lines) -> list[Row]:
    told = lines[0]
    contacts = f"{told['contacts']:,} contacts"
    rows = [Row(f"the simulated org starts with {contacts}", told["load_seconds"], "s", 20)]
    names = {
        "query_by_id": ("a query by id", 5),
        "query_by_indexed_field": ("a query by an indexed field", 5),
        "upsert_of_200": ("an upsert of 200 records", 60),
    }
    for place, side in (("server_side", "the org alone"), ("over_http", "over loopback")):
        for key, (name, bound) in names.items():
            figure = told[place][key]
            note = f"median of {figure['runs']}; 95 % within {figure['p95_ms']:g} ms"
            rows.append(Row(f"{name}, {side}", figure["median_ms"], "ms", bound, note))
    return rows


def of_the_writer(lines: Lines) -> list[Row]:
    rows = []
    for told in lines:
        name = f"{told['write']}, {told['records']:,} records"
        most = 12 if told["records"] <= 10_000 else None  # noqa: PLR2004 - what was promised of 10,000
        note = f"{told['ok']:,} written in {told['seconds']:g} s"
        rows.append(Row(name, told["api_calls"], "calls", most, note))
    return rows


def of_the_check(lines: Lines) -> list[Row]:
    told = lines[0]
    note = f"best of {len(told['seconds'])}; {told['queries_per_second']:,} a second"
    return [Row(f"soql check of {told['queries']:,} queries", min(told["seconds"]), "s", 10, note)]


PROGRAMS: dict[str, Callable[[Lines], list[Row]]] = {
    "simulator.py": of_the_simulator,
    "writer_calls.py": of_the_writer,
    "soql_check.py": of_the_check,
}


def run(program: str) -> Lines:
    """Run a benchmark; return its lines."""
    command = [sys.executable, str(ROOT / "benchmarks" / program)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]


def rendered(computer: dict[str, Any], rows: Sequence[Row]) -> str:
    """Return the report for people."""
    facts = (
        f"{computer['cores']} cores ({computer['processor']}), {computer['memory_gb']} GB of memory"
    )
    start = [
        "# What was measured",
        "",
        f"On {computer['date']}, on a machine with {facts}, {computer['system']},",
        f"Python {computer['python']}. `make prove` measures again and writes this page.",
        f"The machine's load before it began was {computer['load_before']}.",
        "",
        "| what | measured | bound | bound kept? | |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*start, *(row.rendered() for row in rows), ""])


def main() -> None:
    """Run all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", help=f"some of {', '.join(PROGRAMS)}; else all")
    chosen = parser.parse_args().programs or list(PROGRAMS)
    if unknown := set(chosen) - set(PROGRAMS):
        parser.error(f"no such program: {', '.join(unknown)}")
    computer = machine()
    rows: list[Row] = []
    figures: dict[str, Any] = {"machine": computer}
    for program in chosen:
        print(f"{program} ...", file=sys.stderr, flush=True)
        figures[program] = run(program)
        rows += PROGRAMS[program](figures[program])
    report = rendered(computer, rows)
    print(report)
    if set(chosen) == set(PROGRAMS):  # a report is of one time and one machine
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
