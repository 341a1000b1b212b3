"""Which resource answers a call, and how errors become answers."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from crmlink_salesforce_sim.api.call import Answer, Call
from crmlink_salesforce_sim.errors import ApiError, method_not_allowed, not_found
from crmlink_salesforce_sim.org import Org

Handler = Callable[..., Answer]
FIRST, LAST, RETIRED = 31, 66, 7


@dataclass(frozen=True)
class Resource:
    """A path pattern (`*` takes any one name) and who answers each method."""

    pattern: tuple[str, ...]
    handlers: dict[str, Handler]

    def match(self, path: tuple[str, ...]) -> list[str] | None:
        """Return what the stars stand for, or None."""
        if len(path) != len(self.pattern):
            return None
        pairs = list(zip(self.pattern, path, strict=True))
        if any(want not in ("*", got) for want, got in pairs):
            return None
        return [got for want, got in pairs if want == "*"]


class Router:
    """Finds the resource of a call; the first pattern that fits answers."""

    def __init__(self) -> None:
        self._resources: list[Resource] = []

    def add(self, pattern: str, **handlers: Handler) -> None:
        """Add a resource."""
        self._resources.append(Resource(tuple(pattern.split("/")), handlers))

    def answer(self, org: Org, call: Call) -> Answer:
        """Answer a call; what goes wrong is an answer too."""
        try:
            return self._answer(org, call)
        except ApiError as exc:
            return Answer(exc.body(), exc.status)

    def _answer(self, org: Org, call: Call) -> Answer:
        check_version(call.version)
        for resource in self._resources:
            if (found := resource.match(call.path)) is not None:
                handler = resource.handlers.get(call.method)
                if handler is None:
                    error = method_not_allowed(call.method, list(resource.handlers))
                    allowed = {"Allow": ", ".join(resource.handlers)}
                    return Answer(error.body(), error.status, allowed)
                return handler(org, call, *found)
        raise not_found()


def check_version(version: str) -> None:
    """Refuse versions that do not exist, and those that no longer do."""
    major, _, minor = version.partition(".")
    if not major.isdigit() or minor != "0":
        raise not_found()
    if RETIRED <= int(major) < FIRST:
        message = "The requested resource has been retired or removed and is no longer available"
        raise ApiError("UNSUPPORTED_API_VERSION", message, 410)
    if not FIRST <= int(major) <= LAST:
        raise not_found()


def record_path(call: Call, *names: str) -> str:
    """Return the path of a resource in the caller's version."""
    tail = "/".join(quote(name, safe="") for name in names)
    return f"/services/data/v{call.version}/sobjects/{tail}"
