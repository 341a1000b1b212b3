"""The error an API call answers, in the two shapes Salesforce uses."""

from collections.abc import Sequence

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

    def body(self) -> list[Row]:
        """Return the body of a failed call: always an array."""
        error: Row = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]

    def item(self) -> Row:
        """Return the error as it stands inside the answer of a collection."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}


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
