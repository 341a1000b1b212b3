"""The error an API call answers, in the two shapes Salesforce uses."""

from collections.abc import Iterable, Sequence

Row = dict[str, object]


class ApiError(Exception):
    """One error of the data API: a code, a sentence, a status, sometimes fields."""

    def __init__(
        self, code: str, message: str, status: int = 400, fields: Sequence[str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.fields = None if fields is None else list(fields)
        self.extra: Row = {}
        self.others: list[ApiError] = []

    def body(self) -> list[Row]:
        """Return the body of a failed call: always an array."""
        return [one.answered() for one in (self, *self.others)]

    def answered(self) -> Row:
        """Return this error as it stands in the body of a failed call."""
        error: Row = {**self.extra, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return error

    def item(self) -> Row:
        """Return the first error as it stands inside the answer of a collection."""
        told: Row = {"statusCode": self.code, "message": self.message, "fields": self.fields or []}
        return {**self.extra, **told}

    def items(self) -> list[Row]:
        """Return every error of the record as they stand inside the answer of a collection."""
        return [one.item() for one in (self, *self.others)]


def together(errors: Iterable[ApiError]) -> ApiError | None:
    """Return one error that tells all of them, or None when there are none."""
    found = list(errors)
    if not found:
        return None
    first, *others = found
    first.others = [*first.others, *others]
    return first


class StartError(Exception):
    """Why the org cannot start, with what to do about it."""


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """Say that there is no such resource."""
    return ApiError("NOT_FOUND", message, 404)


def method_not_allowed(method: str, allowed: Sequence[str]) -> ApiError:
    """Say which methods the resource takes."""
    names = ",".join(allowed)
    text = f"HTTP Method '{method}' not allowed. Allowed are {names}"
    return ApiError("METHOD_NOT_ALLOWED", text, 405)


def unreadable(message: str) -> ApiError:
    """Say that the JSON of a request could not be used."""
    return ApiError("JSON_PARSER_ERROR", message)
