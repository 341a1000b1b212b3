"""One call of the data API, however it came in, and its answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

from crmlink_salesforce_sim.errors import Row, not_found, unreadable

ROOT = ("services", "data")


@dataclass(frozen=True)
class Call:
    """A request for a resource, by a user, in a version."""

    method: str
    path: tuple[str, ...]
    version: str
    user: str
    client: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    document: object = None
    origin: str = ""

    def json(self) -> object:
        """Return the body, or say where it stops being JSON."""
        if self.document is not None:
            return self.document
        try:
            document = cast("object", json.loads(self.body))
            if b"\\" in self.body:
                json.dumps(document, ensure_ascii=False).encode()  # half a pair is no text
        except json.JSONDecodeError as exc:
            raise unreadable(_reason(exc)) from None
        except RecursionError:
            raise unreadable("The request body nests too deeply") from None
        except UnicodeError:
            raise unreadable("Invalid UTF-8 in the request body at [line:1, column:1]") from None
        return document

    def row(self) -> Row:
        """Return the body, which has to be an object."""
        return as_row(self.json())

    def flag(self, name: str) -> bool:
        """Tell whether a parameter says true."""
        return self.params.get(name, "false").lower() == "true"

    def within(self, method: str, url: str, document: object, headers: Mapping[str, str]) -> "Call":
        """Return a call that a composite request carries."""
        version, path, params = split_url(url)
        return replace(
            self,
            method=method.upper(),
            version=version,
            path=path,
            params=params,
            body=b"",
            document=document,
            headers={**self.headers, **headers},
        )


@dataclass
class Answer:
    """What a resource answers."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def as_row(value: object) -> Row:
    """Return the value, which has to be an object."""
    if not isinstance(value, dict):
        message = "Unexpected token: the request body has to be an object at [line:1, column:1]"
        raise unreadable(message)
    return value


def as_rows(value: object) -> list[Row]:
    """Return the value, which has to be an array of objects."""
    if not isinstance(value, list):
        raise unreadable("Unexpected token: an array is needed at [line:1, column:1]")
    return [as_row(one) for one in value]


def as_texts(value: object) -> list[str]:
    """Return the value, which has to be an array of strings."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise unreadable("Unexpected token: an array of strings is needed at [line:1, column:1]")
    return value


class Params(dict[str, str]):
    """Parameters by name, the last of each; `every` returns all of a repeated one."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def every(self, name: str) -> list[str]:
        """Return all values of a parameter, in order."""
        return [value for one, value in self._pairs if one == name]


def split_url(url: str) -> tuple[str, tuple[str, ...], Params]:
    """Return version, path and parameters of `/services/data/v66.0/…` or `v66.0/…`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise not_found() from None
    names = [unquote(one) for one in parts.path.strip("/").split("/")]
    if tuple(names[:2]) == ROOT:
        names = names[2:]
    if not names or not names[0].startswith("v"):
        raise not_found()
    rest = tuple(names[1:]) or ("",)
    return names[0][1:], rest, Params(parse_qsl(parts.query, keep_blank_values=True))


def _reason(exc: json.JSONDecodeError) -> str:
    place = f"at [line:{exc.lineno}, column:{exc.colno}]"
    if exc.pos >= len(exc.doc):
        return f"Unexpected end-of-input {place}"
    char = exc.doc[exc.pos]
    return f"Unexpected character ('{char}' (code {ord(char)})) {place}"
