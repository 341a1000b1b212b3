"""The one place that knows cel-python: a text becomes a program, a program gives a value."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import CodeType, SimpleNamespace
from typing import Any, cast

import celpy
import celpy.evaluation
from celpy import celtypes
from celpy.celparser import CELParseError, CELParser
from celpy.evaluation import CELEvalError, TranspilerTree
from pydantic import JsonValue

from crmlink_common.mapping.celvalues import from_cel, to_cel
from crmlink_common.mapping.check import References, check, check_depth
from crmlink_common.mapping.errors import EvaluationError, ExpressionError
from crmlink_common.mapping.operators import FUNCTIONS, result
from crmlink_common.mapping.presets import PRESETS
from crmlink_common.mapping.scope import MAX_EXPRESSION, current, evaluation

logging.getLogger("celpy").setLevel(logging.CRITICAL + 1)  # what it logs quotes the data
CELParser.CEL_PARSER = None  # a parser made for the other runner would build the wrong trees
_environment = celpy.Environment(runner_class=celpy.CompiledRunner)
_evaluation = SimpleNamespace(**{**vars(celpy.evaluation), "result": result})
_python = {  # what transpiled code expects to find
    **vars(celpy.evaluation),
    "celpy": SimpleNamespace(evaluation=_evaluation, celtypes=celtypes),
}


@dataclass(frozen=True, slots=True)
class Program:
    """A checked expression. ``evaluate`` is pure: the same variables give the same value."""

    text: str
    reads: References
    _code: CodeType

    def evaluate(self, variables: Mapping[str, Any], *, region: str = "") -> JsonValue:
        """Raise EvaluationError, and nothing else, whatever the values are."""
        with evaluation(region):
            try:
                scope = {
                    **_python,
                    "base_activation": _Activation(variables),
                    "crmlink": _functions,
                }
                exec(self._code, scope)  # noqa: S102 - made from a checked tree by the compiler
                value = scope["CEL"]
                if isinstance(value, CELEvalError):
                    raise value
                return from_cel(value)
            except Exception as exc:  # noqa: BLE001 - celpy lets any of Python's errors out
                raise EvaluationError(_reason(exc)) from None


def compile_expression(
    text: str, attributes: Mapping[str, Collection[str] | None] | None = None
) -> Program:
    """Raise ExpressionError with line, column and a sentence when the text cannot be used."""
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(f"An expression has at most {MAX_EXPRESSION} characters.")
    check_depth(text)
    try:
        tree = _environment.compile(text)
    except CELParseError as exc:
        raise ExpressionError("This is not a CEL expression.", *_position(text, exc)) from None
    reads = check(tree, PRESETS, attributes or {"source": None, "target": None})
    return Program(text, reads, _code(cast(TranspilerTree, tree)))


def _code(tree: TranspilerTree) -> CodeType:
    try:
        runner = cast(celpy.CompiledRunner, _environment.program(tree, functions=_named))
        return compile(runner.tp.source_text, "<rule>", "exec")
    except (Exception, MemoryError):  # noqa: BLE001 - celpy and the compiler fail in many ways
        sentence = "The expression is too complex, or uses a form that is not supported."
        raise ExpressionError(sentence) from None


class _Activation:
    """The variables, and those a macro binds; counts the passes through its body."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = {name: to_cel(value) for name, value in variables.items()}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - CEL values
        return self._variables[name]

    def nested_activation(self, vars: Mapping[str, Any]) -> _Activation:  # noqa: A002 - celpy's
        current().step()
        nested = _Activation({})
        nested._variables = {**self._variables, **vars}
        return nested


def _preset_function(name: str) -> Callable[..., Any]:
    """Offer a preset as a CEL function; celpy understands a plain ValueError alone."""
    preset = PRESETS[name]

    def call(*arguments: Any) -> Any:  # noqa: ANN401 - CEL values
        values = [from_cel(one) for one in arguments]
        current().build(sum(len(one) for one in values if isinstance(one, str)))
        reason = "wrong_arguments"
        try:
            result = preset.call(values)
        except EvaluationError as exc:
            reason = exc.reason
        else:
            return to_cel(result)
        raise ValueError(reason)

    return call


def _register() -> tuple[SimpleNamespace, dict[str, Callable[..., Any]]]:
    """Transpiled code finds a function by its module's and its own name."""
    named = {label: function for label, (_, function) in FUNCTIONS.items()}
    names = {label: name for label, (name, _) in FUNCTIONS.items()}
    for name in PRESETS:
        named[name] = _preset_function(name)
        names[name] = f"preset_{name}"
    for label, function in named.items():
        function.__module__, function.__qualname__ = "crmlink", names[label]
    space = SimpleNamespace(**{names[label]: function for label, function in named.items()})
    return space, named


_functions, _named = _register()


def _position(text: str, exc: CELParseError) -> tuple[int, int]:
    """At the end of the text lark names the token before it; we name what is missing."""
    token = getattr(exc.__context__, "token", None)
    if exc.line and exc.column and getattr(token, "type", "") != "$END":
        return exc.line, exc.column
    lines = text.splitlines() or [""]
    return len(lines), len(lines[-1]) + 1


def _reason(exc: Exception) -> str:
    """Return the code that our own functions raised; everything else is one code."""
    found = exc.args[0] if exc.args else None
    return str(found) if found in REASONS else "evaluation_error"


REASONS = frozenset(
    {
        "too_large",
        "list_too_long",
        "too_many_steps",
        "not_a_value",
        "wrong_arguments",
        "bad_pattern",
    }
    | {reason for preset in PRESETS.values() for reason in preset.reasons}
)
