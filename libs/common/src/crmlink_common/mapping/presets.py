"""The catalogue of presets: named conversions, for rules and within expressions."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from crmlink_common.errors import InvalidInputError
from crmlink_common.mapping import conversions, texts
from crmlink_common.mapping.errors import EvaluationError
from crmlink_common.mapping.scope import evaluation

_CALL = re.compile(r"\s*([a-z_0-9]+)\s*(?:\((.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a preset is told in brackets. ``kind``: text, integer, table or any."""

    name: str
    kind: str
    required: bool = True

    def admits(self, value: JsonValue) -> bool:
        match self.kind:
            case "text":
                return isinstance(value, str)
            case "integer":
                return isinstance(value, int) and not isinstance(value, bool) and value >= 0
            case "table":
                return isinstance(value, dict) and bool(value)
            case _:
                return True


@dataclass(frozen=True, slots=True)
class Preset:
    """A named conversion. ``reasons`` are the codes with which it refuses a value."""

    name: str
    description: str
    apply: Callable[..., JsonValue]
    parameters: tuple[Parameter, ...] = ()
    reasons: tuple[str, ...] = ()
    variadic: bool = False  # as a CEL function it takes any number of values

    def call(self, values: Sequence[JsonValue]) -> JsonValue:
        """Apply it as a CEL function does: the value first, then the parameters."""
        if self.variadic:
            return self.apply(list(values) if len(values) > 1 else (values or [""])[0])
        if not values or self.misfit(values[1:]) is not None:
            raise EvaluationError("wrong_arguments")
        return self.apply(values[0], *values[1:])

    def misfit(self, arguments: Sequence[JsonValue]) -> str | None:
        """Say what is wrong with the parameters, or None."""
        required = sum(parameter.required for parameter in self.parameters)
        if not required <= len(arguments) <= len(self.parameters):
            return f"{self.name} takes {self._signature()}."
        for parameter, value in zip(self.parameters, arguments, strict=False):
            if not parameter.admits(value):
                return f"{parameter.name} of {self.name} has to be of kind {parameter.kind}."
        return None

    def _signature(self) -> str:
        names = [p.name if p.required else f"{p.name}?" for p in self.parameters]
        return f"({', '.join(names)}) in brackets" if names else "nothing in brackets"


@dataclass(frozen=True, slots=True)
class BoundPreset:
    """A preset with its parameters, as a rule names it: ``truncate(40)``."""

    preset: Preset
    arguments: tuple[JsonValue, ...]

    def apply(self, value: JsonValue, *, region: str = "") -> JsonValue:
        """Raise EvaluationError when the value cannot be converted."""
        with evaluation(region):
            return self.preset.apply(value, *self.arguments)


def parse_preset(text: str) -> BoundPreset:
    """Read ``name`` or ``name(arguments)``; InvalidInputError holds a sentence."""
    match = _CALL.fullmatch(text)
    if match is None:
        raise InvalidInputError("A preset is a name, or a name with parameters: truncate(40).")
    name, inner = match.groups()
    if name not in PRESETS:
        raise InvalidInputError(f"There is no preset {name}.")
    preset, arguments = PRESETS[name], _arguments(inner or "")
    if (misfit := preset.misfit(arguments)) is not None:
        raise InvalidInputError(misfit)
    return BoundPreset(preset, tuple(arguments))


def catalogue() -> list[dict[str, Any]]:
    """Return what the console shows of each preset."""
    return [
        {
            "name": preset.name,
            "description": preset.description,
            "parameters": [
                {"name": p.name, "kind": p.kind, "required": p.required} for p in preset.parameters
            ],
        }
        for preset in PRESETS.values()
    ]


def _arguments(inner: str) -> list[JsonValue]:
    """Read JSON, or the same with CEL's single quotes."""
    try:
        return list(json.loads(f"[{inner}]"))
    except ValueError:
        pass
    try:
        found = ast.literal_eval(f"[{inner}]")
        return list(json.loads(json.dumps(found)))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise InvalidInputError("The preset's parameters cannot be read.") from None


_REGION = Parameter("region", "text", required=False)
_FORMAT = Parameter("format", "text", required=False)
_SEPARATOR = Parameter("separator", "text")

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("trim", "Without spaces at both ends.", texts.trim),
        Preset("lower", "In lower case.", texts.lower),
        Preset("upper", "In upper case.", texts.upper),
        Preset("title", "Each word with a capital.", texts.title),
        Preset(
            "email",
            "A valid e-mail address in lower case.",
            conversions.email,
            reasons=("not_an_email",),
        ),
        Preset(
            "phone_e164",
            "A telephone number as +441632960123.",
            conversions.phone_e164,
            (_REGION,),
            ("not_a_phone",),
        ),
        Preset(
            "phone_national",
            "A telephone number as it is written within its country.",
            conversions.phone_national,
            (_REGION,),
            ("not_a_phone",),
        ),
        Preset("first_name", "The given name of a full name.", texts.first_name),
        Preset("last_name", "The family name of a full name.", texts.last_name),
        Preset("full_name", "The parts of a name, with one space.", texts.full_name, variadic=True),
        Preset(
            "date",
            "A date as 2026-01-31; format like %d/%m/%Y when it is written another way.",
            conversions.date,
            (_FORMAT,),
            ("not_a_date",),
        ),
        Preset(
            "datetime",
            "A moment as 2026-01-31T12:00:00Z; without a zone it is UTC.",
            conversions.moment,
            (_FORMAT,),
            ("not_a_datetime",),
        ),
        Preset("number", "A number.", conversions.number, reasons=("not_a_number",)),
        Preset("integer", "A whole number.", conversions.integer, reasons=("not_an_integer",)),
        Preset("boolean", "True or false.", conversions.boolean, reasons=("not_a_boolean",)),
        Preset(
            "truncate",
            "The first characters of a text.",
            texts.truncate,
            (Parameter("length", "integer"),),
        ),
        Preset(
            "default",
            "This value where there is none.",
            conversions.default,
            (Parameter("value", "any"),),
        ),
        Preset(
            "map",
            "The value that a table gives; '*' is for all others.",
            conversions.lookup,
            (Parameter("table", "table"),),
            ("not_in_table",),
        ),
        Preset("split", "A text cut into a list.", texts.split, (_SEPARATOR,)),
        Preset("join", "A list put together as a text.", texts.join, (_SEPARATOR,)),
        Preset(
            "picklist",
            "One value of a picklist.",
            conversions.picklist,
            reasons=("more_than_one_value",),
        ),
        Preset(
            "multipicklist",
            "Values of a multi-select picklist, divided by semicolons.",
            conversions.multipicklist,
            reasons=("semicolon_in_value",),
        ),
    )
}
