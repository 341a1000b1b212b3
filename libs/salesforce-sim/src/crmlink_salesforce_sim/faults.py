"""Faults an operator asks for: calls that fail, answers that come late."""

import threading
from dataclasses import dataclass

from crmlink_salesforce_sim.errors import ApiError

MESSAGES = {
    "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
    "SERVER_UNAVAILABLE": "Service Unavailable",
    "UNKNOWN_EXCEPTION": "An unexpected error occurred. Please include this ErrorId if you contact"
    " support: 1-1 (1)",
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record or 1 records",
}
BY_STATUS = {
    503: "SERVER_UNAVAILABLE",
    500: "UNKNOWN_EXCEPTION",
    403: "REQUEST_LIMIT_EXCEEDED",
    401: "INVALID_SESSION_ID",
}


@dataclass(frozen=True)
class Failure:
    """What a failing call answers."""

    status: int
    code: str

    def error(self) -> ApiError:
        """Return the error to answer."""
        return ApiError(self.code, MESSAGES.get(self.code, self.code), self.status)


class Faults:
    """What the operator asked for, and how much of it is left."""

    def __init__(self) -> None:
        self.latency_ms = 0
        self._left = 0
        self._failure = Failure(503, BY_STATUS[503])
        self._lock = threading.Lock()

    def fail(self, count: int, failure: Failure) -> None:
        """Let the next calls fail."""
        with self._lock:
            self._left, self._failure = count, failure

    def take(self) -> Failure | None:
        """Return the failure of this call, if it is one of those that fail."""
        with self._lock:
            if self._left <= 0:
                return None
            self._left -= 1
            return self._failure
