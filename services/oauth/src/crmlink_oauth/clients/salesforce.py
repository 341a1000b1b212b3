"""Salesforce's OAuth endpoints, and the few calls that tell where a new token leads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from crmlink_common.errors import NotConnectedError
from crmlink_common.salesforce.answers import whole_answer
from crmlink_common.salesforce.hosts import AddressRefusedError
from crmlink_common.salesforce.limits import parse_usage
from crmlink_common.salesforce.pool import Origins
from crmlink_common.salesforce.transport import NEVER_SENT
from crmlink_oauth.domain.classify import PASSES, classify
from crmlink_oauth.domain.tokens import (
    AnswerRefusedError,
    Identity,
    Org,
    TokenAnswer,
    read_answer,
)
from crmlink_oauth.service.ports import (
    App,
    NotAnsweredError,
    SessionEndedError,
    TokenRefusedError,
)

WHOLE_CALL = 12.0  # seconds; callers wait for 15
LARGEST_ANSWER = 1024 * 1024
LARGEST_DESCRIPTION = 16 * 1024 * 1024  # objects have up to 800 fields, picklists written out
ORG = "SELECT Id, Name FROM Organization LIMIT 1"
NO_API = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})
REVOKED_ALREADY = frozenset({"invalid_token", "unsupported_token_type", "invalid_grant"})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    told: Any
    limits: str = ""

    @property
    def good(self) -> bool:
        return httpx.codes.is_success(self.status)

    def text(self, name: str) -> str:
        """Read a text of a JSON object; '' when there is none."""
        value = self.told.get(name) if isinstance(self.told, dict) else None
        return value if isinstance(value, str) else ""

    @property
    def error_code(self) -> str:
        """Read the first code of the REST API's error list."""
        first = self.told[0] if isinstance(self.told, list) and self.told else None
        return str(first.get("errorCode", "")) if isinstance(first, dict) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceLogin:
    """Goes to origins that were checked before; the caller owns and closes them."""

    origins: Origins
    seconds: float = WHOLE_CALL

    async def exchange(
        self, app: App, *, code: str, verifier: str, callback_url: str
    ) -> TokenAnswer:
        return await self._token(
            app,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=callback_url,
        )

    async def refresh(self, app: App, refresh_token: str) -> TokenAnswer:
        return await self._token(app, grant_type="refresh_token", refresh_token=refresh_token)

    async def _token(self, app: App, **form: str) -> TokenAnswer:
        form |= {"client_id": app.client_id, "client_secret": app.client_secret}
        answer = await self._call("POST", app.login_url, "/services/oauth2/token", form=form)
        if answer.good and isinstance(answer.told, dict):
            return _believed(answer.told, app)
        if error := answer.text("error"):
            code = classify(error, answer.text("error_description"))
            if code not in PASSES:
                raise TokenRefusedError(code)
            raise NotAnsweredError(code, consumed=False, code=code)  # told: no token was made
        raise _strange(answer)

    async def revoke(self, login_url: str, token: str) -> None:
        form = {"token": token}
        answer = await self._call("POST", login_url, "/services/oauth2/revoke", form=form)
        if answer.good or answer.text("error") in REVOKED_ALREADY:
            return
        raise _strange(answer)

    async def identity(self, instance_url: str, token: str) -> Identity:
        answer = await self._call("GET", instance_url, "/services/oauth2/userinfo", token=token)
        org_id, user_id = answer.text("organization_id"), answer.text("user_id")
        if answer.good and org_id and user_id:
            return Identity(org_id, user_id, answer.text("preferred_username")[:255])
        raise _refused_or_strange(answer)

    async def versions(self, instance_url: str) -> list[str]:
        answer = await self._call("GET", instance_url, "/services/data")
        if not answer.good or not isinstance(answer.told, list):
            raise _strange(answer)
        rows = [row for row in answer.told if isinstance(row, dict)]
        return [str(row["version"]) for row in rows if "version" in row]

    async def org(self, instance_url: str, token: str, version: str) -> Org:
        """Prove that the API lets this user in; its name and quota come along."""
        path = f"/services/data/v{version}/query"
        answer = await self._call("GET", instance_url, path, token=token, query={"q": ORG})
        if answer.error_code in NO_API:
            raise TokenRefusedError("api_disabled")
        if answer.status == httpx.codes.UNAUTHORIZED:
            raise SessionEndedError
        if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _strange(answer)
        return Org(_name(answer.told), parse_usage(answer.limits))

    async def describe(
        self, instance_url: str, token: str, version: str, name: str
    ) -> dict[str, Any] | None:
        """Ask what this user may do with an object; None when it is not there for them."""
        path = f"/services/data/v{version}/sobjects/{name}/describe"
        answer = await self._call(
            "GET", instance_url, path, token=token, largest=LARGEST_DESCRIPTION
        )
        if answer.good and isinstance(answer.told, dict):
            return answer.told
        if answer.error_code in NO_API:
            raise TokenRefusedError("api_disabled")
        if answer.status in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
            if answer.error_code == "REQUEST_LIMIT_EXCEEDED":
                raise NotAnsweredError("the daily limit", consumed=False, code="limit_used_up")
            return None
        raise _refused_or_strange(answer)

    async def _call(
        self,
        method: str,
        origin: str,
        path: str,
        *,
        form: dict[str, str] | None = None,
        token: str = "",
        query: dict[str, str] | None = None,
        largest: int = LARGEST_ANSWER,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with asyncio.timeout(self.seconds), self.origins.lend(origin) as http:
                request = http.build_request(method, path, data=form, params=query, headers=headers)
                return _read(await whole_answer(http, request, largest=largest))
        except AddressRefusedError as exc:
            raise NotAnsweredError(str(exc), consumed=False, code=exc.code) from None
        except NotConnectedError as exc:  # no longer allowed
            raise NotAnsweredError(str(exc), consumed=False, code="instance_url_refused") from None
        except NEVER_SENT as exc:
            raise NotAnsweredError(type(exc).__name__, consumed=False) from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as exc:
            raise NotAnsweredError(type(exc).__name__, consumed=True) from None


def _read(response: httpx.Response) -> Answer:
    try:
        told = response.json()
    except ValueError:
        told = None
    return Answer(response.status_code, told, response.headers.get("Sforce-Limit-Info", ""))


def _believed(told: dict[str, Any], app: App) -> TokenAnswer:
    try:
        return read_answer(told, app.client_secret)
    except AnswerRefusedError as exc:
        if exc.code == "signature_mismatch":
            raise TokenRefusedError(exc.code) from None
        raise NotAnsweredError("no token answer", consumed=True, code=exc.code) from None


def _strange(answer: Answer) -> NotAnsweredError:
    """Tell trouble at Salesforce, which passes, from something that is not Salesforce at all."""
    ill = answer.status >= httpx.codes.INTERNAL_SERVER_ERROR
    busy = answer.status == httpx.codes.TOO_MANY_REQUESTS
    code = "not_answering" if ill or busy else "unexpected_answer"
    turned_away = answer.status == httpx.codes.SERVICE_UNAVAILABLE
    consumed = answer.good or (ill and not turned_away)
    return NotAnsweredError(f"HTTP {answer.status}", consumed=consumed, code=code)


def _refused_or_strange(answer: Answer) -> TokenRefusedError | NotAnsweredError:
    if answer.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return SessionEndedError()
    return _strange(answer)


def _name(told: Any) -> str:  # noqa: ANN401 - JSON, whatever came
    try:
        return str(told["records"][0]["Name"])[:255]
    except (LookupError, TypeError):
        return ""
