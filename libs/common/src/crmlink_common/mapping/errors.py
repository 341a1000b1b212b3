"""What can be wrong with a rule: when it is saved, and when it meets a value."""

from __future__ import annotations

from crmlink_common.errors import InvalidInputError, PermanentError


class RuleError(InvalidInputError):
    """A configuration cannot be saved. ``rule_id`` is None for a filter.

    ``field`` names the part of the rule (``outbound``, ``preset`` ...); line and column count
    from 1 within its text.
    """

    code = "rule_invalid"

    def __init__(
        self,
        sentence: str,
        *,
        rule_id: str | None,
        field: str,
        line: int | None = None,
        column: int | None = None,
        cure: str | None = None,
    ) -> None:
        super().__init__(sentence, field=field, cure=cure)
        self.rule_id = rule_id
        self.line = line
        self.column = column


class FilterError(PermanentError):
    """A filter failed on this one record: skip it. The text holds no data."""

    code = "filter_error"


class ExpressionError(InvalidInputError):
    """A CEL text cannot be used: a sentence, and where in the text."""

    code = "expression_invalid"

    def __init__(self, sentence: str, line: int = 1, column: int = 1) -> None:
        super().__init__(sentence)
        self.line = line
        self.column = column


class EvaluationError(PermanentError):
    """An expression or a preset failed on one value. ``reason`` is a code, never data."""

    code = "evaluation_error"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
