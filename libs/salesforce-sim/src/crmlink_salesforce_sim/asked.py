"""What an operator asks of the simulator in JSON, read field by field."""

import json
import re
from collections.abc import Sequence

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")


class AskedError(Exception):
    """A setting that cannot be: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    def body(self) -> dict[str, str]:
        """Return the answer."""
        return {"error": f"{self.field}: {self.reason}", "field": self.field}


class Asked:
    """A JSON object whose fields are taken one by one; `done` refuses what is left over."""

    def __init__(self, document: bytes) -> None:
        try:
            found = json.loads(document or b"{}")
        except (ValueError, RecursionError):
            raise AskedError("body", "is not JSON") from None
        if not isinstance(found, dict):
            raise AskedError("body", "has to be an object")
        self._left: dict[str, object] = found

    def __contains__(self, name: str) -> bool:
        """Tell whether a field is given and not yet taken."""
        return name in self._left

    def value(self, name: str, default: object = None) -> object:
        """Take a field as it is."""
        return self._left.pop(name, default)

    def whole(self, name: str, default: int, least: int = 0, most: int = 1_000_000_000) -> int:
        """Take a whole number."""
        value = self._left.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise AskedError(name, f"has to be a whole number from {least} to {most}")
        return value

    def number(
        self, name: str, default: float, least: float = 0.0, most: float = 86_400_000.0
    ) -> float:
        """Take a number."""
        value = self._left.pop(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise AskedError(name, f"has to be a number from {least:g} to {most:g}")
        if not least <= value <= most:
            raise AskedError(name, f"has to be a number from {least:g} to {most:g}")
        return float(value)

    def text(self, name: str, default: str | None = None) -> str | None:
        """Take a text that may be absent."""
        value = self._left.pop(name, default)
        if value is not None and not isinstance(value, str):
            raise AskedError(name, "has to be a text")
        return value

    def required(self, name: str) -> str:
        """Take a text that has to be there."""
        if not (value := self.text(name)):
            raise AskedError(name, "is needed")
        return value

    def identifier(self, name: str) -> str:
        """Take a text that can be the API name of a field or an object."""
        value = self.required(name)
        if not _IDENTIFIER.match(value):
            raise AskedError(name, "has to be an API name: a letter, then letters, digits and _")
        return value

    def one_of(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """Take one of some texts."""
        value = self._left.pop(name, default)
        if not isinstance(value, str) or value not in choices:
            raise AskedError(name, f"has to be one of {', '.join(choices)}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Take true or false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            raise AskedError(name, "has to be true or false")
        return value

    def texts(self, name: str, default: Sequence[str] = (), most: int = 10_000) -> list[str]:
        """Take a list of texts."""
        value = self._left.pop(name, list(default))
        if not isinstance(value, list) or len(value) > most:
            raise AskedError(name, f"has to be a list of at most {most} texts")
        if not all(isinstance(one, str) for one in value):
            raise AskedError(name, f"has to be a list of at most {most} texts")
        return list(value)

    def rows(self, name: str, most: int = 100) -> list["Asked"]:
        """Take a list of objects."""
        value = self._left.pop(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise AskedError(name, f"has to be a list of at most {most} objects")
        return [Asked(json.dumps(one).encode()) for one in value]

    def done(self) -> None:
        """Refuse fields that nothing takes."""
        if self._left:
            name = next(iter(self._left))
            raise AskedError(name, "is not known here")
