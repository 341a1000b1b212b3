"""References between the parts of a composite request: `@{account.id}`."""

import re
from collections.abc import Mapping

from crmlink_salesforce_sim.errors import ApiError

_REFERENCE = re.compile(r"@\{([^{}]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def resolved(value: object, bodies: Mapping[str, object]) -> object:
    """Return the value with every reference replaced."""
    if isinstance(value, dict):
        return {key: resolved(one, bodies) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved(one, bodies) for one in value]
    if not isinstance(value, str):
        return value
    if (whole := _REFERENCE.fullmatch(value)) is not None:  # a number stays a number
        return _look_up(whole[1], bodies)
    return resolved_text(value, bodies)


def resolved_text(text: str, bodies: Mapping[str, object]) -> str:
    """Return the text with every reference replaced."""
    return _REFERENCE.sub(lambda found: _text(_look_up(found[1], bodies)), text)


def names_in(value: object) -> set[str]:
    """Return the reference ids a value refers to."""
    if isinstance(value, dict):
        return names_in(list(value.values()))
    if isinstance(value, list):
        return {name for one in value for name in names_in(one)}
    found = _REFERENCE.findall(value) if isinstance(value, str) else []
    return {re.split(r"[.\[]", one, maxsplit=1)[0] for one in found}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _look_up(path: str, bodies: Mapping[str, object]) -> object:
    name, _, rest = path.partition(".")
    start, bracket, tail = name.partition("[")
    if start not in bodies:
        raise _invalid(path, start)
    here = bodies[start]
    steps = bracket + tail + ("." + rest if rest else "")
    for key, index in _STEP.findall(steps):
        if key and isinstance(here, dict) and here.get(key) is not None:
            here = here[key]
        elif index and isinstance(here, list) and int(index) < len(here):
            here = here[int(index)]
        else:
            raise _invalid(path, start)
    return here


def _invalid(path: str, start: str) -> ApiError:
    message = f"Invalid reference specified. No value for {path} found in {start}"
    return ApiError("PROCESSING_HALTED", message)
