"""CEL operators where cel-python's are Python's own: bounded, and equality across types."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import re2
from celpy import celtypes
from celpy.evaluation import CELEvalError

from crmlink_common.mapping.scope import current

CAUGHT = (
    ValueError,
    KeyError,
    TypeError,
    ZeroDivisionError,
    OverflowError,
    IndexError,
    NameError,
    AttributeError,
)
_QUIET = re2.Options()
_QUIET.log_errors = False
_QUIET.max_mem = 1024 * 1024
NUMBERS = (celtypes.IntType, celtypes.UintType, celtypes.DoubleType)


def equal(a: Any, b: Any) -> Any:  # noqa: ANN401 - CEL values
    """Compare across types: text and a number differ, they are not an error."""
    current().step()
    if isinstance(a, CELEvalError) or isinstance(b, CELEvalError):  # an error that was not raised
        raise ValueError("evaluation_error")  # noqa: TRY004 - celpy turns it into its own error
    if isinstance(a, NUMBERS) and isinstance(b, NUMBERS):
        return celtypes.BoolType(_number(a) == _number(b))
    if isinstance(a, str) and isinstance(b, str):
        return celtypes.BoolType(str(a) == str(b))
    try:
        return celtypes.BoolType(type(a) is type(b) and bool(a == b))
    except TypeError:
        return celtypes.BoolType(0)


def unequal(a: Any, b: Any) -> Any:  # noqa: ANN401 - CEL values
    return celtypes.BoolType(not equal(a, b))


def within(item: Any, container: Any) -> Any:  # noqa: ANN401 - CEL values
    if isinstance(container, celtypes.MapType):
        return celtypes.BoolType(container.contains(item))
    if isinstance(container, celtypes.ListType):
        return celtypes.BoolType(any(equal(item, one) for one in container))
    raise TypeError("no such overload")


def add(a: Any, b: Any) -> Any:  # noqa: ANN401 - CEL values
    if isinstance(a, str) and isinstance(b, str):
        current().build(len(a) + len(b))
        return celtypes.StringType(str(a) + str(b))
    if isinstance(a, list) and isinstance(b, list):
        current().build(len(a) + len(b))
    elif isinstance(a, str | list | bytes) or isinstance(b, str | list | bytes):
        raise TypeError("no such overload")
    return a + b


def matches(text: Any, pattern: Any) -> Any:  # noqa: ANN401 - CEL values
    """Match by RE2, in linear time; it would print a bad pattern, data and all."""
    if not (isinstance(text, str) and isinstance(pattern, str)):
        raise TypeError("no such overload")
    current().build(len(text) + len(pattern))
    try:
        found = re2.compile(pattern, _QUIET).search(text)
    except re2.error:
        raise ValueError("bad_pattern") from None
    return celtypes.BoolType(found is not None)


def result(activation: object, expression: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - CEL values
    """Turn an error into a value, for ``||`` to look past; unlike celpy's it holds no data."""
    current().step()
    try:
        return expression(activation)
    except CAUGHT as exc:
        return CELEvalError(str(exc.args[0]) if exc.args else "evaluation_error")


def _numeric(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Refuse what Python would do with text: repeat it without bound, or format it."""

    def checked(a: Any, b: Any) -> Any:  # noqa: ANN401 - CEL values
        if not (isinstance(a, NUMBERS) and isinstance(b, NUMBERS)):
            raise TypeError("no such overload")
        current().step()
        return apply(a, b)

    return checked


def _number(value: Any) -> float | int:  # noqa: ANN401 - CEL values
    return float(value) if isinstance(value, celtypes.DoubleType) else int(value)


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "_==_": ("equal", equal),
    "_!=_": ("unequal", unequal),
    "_in_": ("within", within),
    "_+_": ("add", add),
    "_*_": ("multiply", _numeric(operator.mul)),
    "_/_": ("divide", _numeric(operator.truediv)),
    "_%_": ("remainder", _numeric(operator.mod)),
    "matches": ("matches", matches),
}
