"""What a person sees of a refusal: what happened, and what cures it; keyed by Salesforce's code.

Pure, and free of data: no sentence quotes Salesforce's message. ``docs/salesforce-errors.md`` shows
all of it beside the class of each code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crmlink_common.errors import (
    CrmLinkError,
    LimitError,
    NotConnectedError,
    StaleTokenError,
    TransientError,
    UnknownOutcomeError,
)
from crmlink_common.salesforce.explained_codes import SENTENCES


@dataclass(frozen=True, slots=True)
class Explanation:
    """Two plain sentences; ``cure`` is empty when there is nothing to do but wait."""

    message: str
    cure: str = ""


EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {code: Explanation(*told) for code, told in SENTENCES.items()}
)
BUSY = Explanation("Salesforce was not able to do this at the moment.", "It is tried again later.")
UNKNOWN = Explanation(
    "Salesforce's answer did not arrive, so it is not known whether this was done.",
    "It is looked for before it is tried again.",
)
NOT_CONNECTED = Explanation(
    "Salesforce does not let this connection in.",
    "Disconnect and connect again; if that does not help, ask your Salesforce administrator.",
)
USED_UP = Explanation(
    "The org's limit for this is used up.", "Work goes on by itself when the limit allows it."
)
REFUSED = Explanation(
    "Salesforce refused this.", "Look the code up in Salesforce's documentation of status codes."
)


def explain(code: str, error: CrmLinkError | None = None) -> Explanation:
    """Return the sentences of a code; of an unknown one, those of its error's class."""
    if (found := EXPLANATIONS.get(code)) is not None:
        return found
    if isinstance(error, LimitError):
        return USED_UP
    if isinstance(error, NotConnectedError | StaleTokenError):
        return NOT_CONNECTED
    if isinstance(error, UnknownOutcomeError):
        return UNKNOWN
    if isinstance(error, TransientError) or code.startswith("http_5"):
        return BUSY
    return REFUSED
