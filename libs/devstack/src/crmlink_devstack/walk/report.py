"""What a walk-through saw: a table for people, the same numbers as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(slots=True)
class Step:
    name: str
    ok: bool = False
    seconds: float = 0.0
    seen: str = ""


@dataclass(slots=True)
class Report:
    """Steps in order, and figures by name. ``ok`` only when every step did what it should."""

    steps: list[Step] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time one step; it counts as done when its block ends without an error."""
        step, begun = Step(name), monotonic()
        self.steps.append(step)
        try:
            yield step
            step.ok = True
        except Exception as exc:
            step.seen = str(exc) or type(exc).__name__
            raise
        finally:
            step.seconds = round(monotonic() - begun, 2)

    def as_json(self) -> dict[str, Any]:
        """Give everything the table shows."""
        return {
            "ok": self.ok,
            "steps": [
                {"name": s.name, "ok": s.ok, "seconds": s.seconds, "seen": s.seen}
                for s in self.steps
            ],
            "figures": self.figures,
            "reasons": self.reasons,
            "faults_of_the_file": self.faults,
        }

    def show(self, console: Console) -> None:
        """Print the tables."""
        table = Table(title="What happened", title_justify="left")
        for heading in ("Step", "", "Seconds", "Seen"):
            table.add_column(heading, justify="right" if heading == "Seconds" else "left")
        for step in self.steps:
            mark = "[green]done[/]" if step.ok else "[red]failed[/]"
            table.add_row(step.name, mark, f"{step.seconds:.1f}", step.seen)
        console.print(table)
        if self.figures:
            numbers = Table(title="Both sides", title_justify="left", show_header=False)
            for name, value in self.figures.items():
                numbers.add_row(name.replace("_", " "), str(value))
            console.print(numbers)
        if self.reasons:
            reasons = Table(title="Not linked, and why", title_justify="left", show_header=False)
            for code, count in sorted(self.reasons.items()):
                reasons.add_row(code, str(count))
            console.print(reasons)
