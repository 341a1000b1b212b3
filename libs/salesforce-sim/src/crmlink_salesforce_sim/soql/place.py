"""Errors that point at their place in a statement."""

from crmlink_salesforce_sim.errors import ApiError

SHOWN = 60


def complain(code: str, text: str, at: int, message: str) -> ApiError:
    """Return an error that points at its place in the statement."""
    before = text[:at]
    row = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1)
    line = text.split("\n")[row - 1]
    start = max(0, column - SHOWN)
    shown = line[start : column + SHOWN]
    caret = " " * (column - start) + "^"
    place = f"ERROR at Row:{row}:Column:{column + 1}"
    return ApiError(code, f"\n{shown}\n{caret}\n{place}\n{message}")


def unreadable(code: str, text: str, at: int, message: str) -> ApiError:
    """Return an error about a character that starts nothing; its column counts from zero."""
    before = text[:at]
    row, column = before.count("\n") + 1, at - (before.rfind("\n") + 1)
    return complain(code, text, at - 1, f"line {row}:{column} {message}")


def not_executed(what: str) -> ApiError:
    """Return the one answer to what is understood but not executed."""
    message = f"The simulated org understands this statement but does not execute {what}."
    return ApiError("FUNCTIONALITY_NOT_ENABLED", message)
