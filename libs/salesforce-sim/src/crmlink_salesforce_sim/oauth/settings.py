"""The app's settings, as an admin sets them for an External Client App or a Connected App."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from crmlink_salesforce_sim.asked import Asked, AskedError
from crmlink_salesforce_sim.oauth.app import SCOPES, callbacks, register_callbacks
from crmlink_salesforce_sim.oauth.assertion import public_key
from crmlink_salesforce_sim.store import Store

SESSION_SECONDS = 7200.0
CODE_SECONDS = 900.0
KINDS = ("external_client_app", "connected_app")
FLOWS = (
    "web_server",
    "user_agent",
    "refresh_token",
    "client_credentials",
    "password",
    "jwt_bearer",
)
STATES = ("installed", "not_installed", "blocked")
PERMITTED = ("all", "admin_approved")
LONGEST = 10 * 366 * 86_400.0
DAY_HOURS = 24
_FACT = "app_settings"
_FLAGS = (
    "require_pkce",
    "require_secret_web",
    "require_secret_refresh",
    "rotate",
    "org_active",
    "api_instance_url",
)


@dataclass(frozen=True)
class AppSettings:
    """How the app may be used, and what else decides over a login."""

    kind: str = "external_client_app"
    scopes: tuple[str, ...] = SCOPES
    flows: tuple[str, ...] = FLOWS
    require_pkce: bool = False
    require_secret_web: bool = True
    require_secret_refresh: bool = True
    rotate: bool = False
    refresh_idle_seconds: float | None = None
    session_seconds: float = SESSION_SECONDS
    code_seconds: float = CODE_SECONDS
    permitted_users: str = "all"
    approved_users: tuple[str, ...] = ()
    state: str = "installed"
    active_from: float = 0.0
    allowed_ips: tuple[str, ...] = ()
    login_hours: tuple[int, int] | None = None
    logins_an_hour: float | None = None
    org_active: bool = True
    api_instance_url: bool = False
    certificate: str | None = None

    def permits(self, *names: str) -> bool:
        """Tell whether a user (by id or username) may use the app."""
        return self.permitted_users == "all" or bool(set(names) & set(self.approved_users))

    def lets_in(self, address: str, hour: int) -> bool:
        """Tell whether a login from this address at this hour (UTC) is allowed."""
        start, end = self.login_hours or (0, DAY_HOURS)
        if not start <= hour < end:
            return False
        nets = [ip_network(one, strict=False) for one in self.allowed_ips]
        return not nets or any(ip_address(address) in one for one in nets)


class App:
    """The settings in force; kept in the store, so that they outlive a restart."""

    def __init__(self, store: Store, now: Callable[[], datetime], usual: AppSettings) -> None:
        self._store = store
        self._now = now
        self._usual = usual
        kept: dict[str, Any] = json.loads(store.fact(_FACT) or "{}")
        self.settings = replace(usual, **{name: _frozen(value) for name, value in kept.items()})

    @property
    def active(self) -> bool:
        """Tell whether the app is known yet: a new one takes minutes to be."""
        return self._now().timestamp() >= self.settings.active_from

    def told(self) -> dict[str, object]:
        """Return the settings as JSON tells them."""
        return {**asdict(self.settings), "callback_urls": callbacks(self._store)}

    def change(self, asked: Asked) -> None:
        """Take the settings that are given; AskedError names one that cannot be."""
        urls = asked.texts("callback_urls", most=100) if "callback_urls" in asked else None
        delay = asked.number("activation_delay_seconds", 0.0, 0.0, LONGEST)
        changed = _read(self.settings, asked)
        asked.done()
        if delay:
            changed = replace(changed, active_from=self._now().timestamp() + delay)
        self._keep(changed)
        if urls is not None:
            register_callbacks(self._store, urls)

    def reset(self) -> None:
        """Go back to the settings of the start; the callback URLs stay."""
        self._keep(self._usual)

    def _keep(self, settings: AppSettings) -> None:
        names = [one.name for one in fields(AppSettings)]
        given = {name: getattr(settings, name) for name in names}
        kept = {name: v for name, v in given.items() if v != getattr(self._usual, name)}
        self._store.set_fact(_FACT, json.dumps(kept))
        self.settings = settings


def _read(was: AppSettings, asked: Asked) -> AppSettings:
    return replace(
        was,
        **{name: asked.flag(name, default=getattr(was, name)) for name in _FLAGS},
        certificate=_certificate(asked, was.certificate),
        kind=asked.one_of("kind", KINDS, was.kind),
        state=asked.one_of("state", STATES, was.state),
        permitted_users=asked.one_of("permitted_users", PERMITTED, was.permitted_users),
        scopes=_some(asked, "scopes", was.scopes, SCOPES),
        flows=_some(asked, "flows", was.flows, FLOWS),
        approved_users=tuple(asked.texts("approved_users", was.approved_users)),
        allowed_ips=_networks(asked, was.allowed_ips),
        login_hours=_hours(asked, was.login_hours),
        logins_an_hour=_optional(asked, "logins_an_hour", was.logins_an_hour, 0.0),
        refresh_idle_seconds=_optional(asked, "refresh_idle_seconds", was.refresh_idle_seconds),
        session_seconds=asked.number("session_seconds", was.session_seconds, 1.0, LONGEST),
        code_seconds=asked.number("code_seconds", was.code_seconds, 0.0, LONGEST),
    )


def _some(asked: Asked, name: str, was: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    given = asked.texts(name, was)
    if unknown := [one for one in given if one not in known]:
        raise AskedError(name, f"{unknown[0]} is not one of {', '.join(known)}")
    return tuple(given)


def _optional(asked: Asked, name: str, was: float | None, least: float = 1.0) -> float | None:
    given = asked.value(name, was)
    if given is None:
        return None
    if not isinstance(given, int | float) or isinstance(given, bool) or given < least:
        raise AskedError(name, f"has to be null or a number from {least:g}")
    return float(given)


def _certificate(asked: Asked, was: str | None) -> str | None:
    given = asked.text("certificate", was)
    try:
        if given is not None:
            public_key(given)
    except ValueError:
        raise AskedError("certificate", "has to be a PEM certificate of an RSA key") from None
    return given


def _networks(asked: Asked, was: tuple[str, ...]) -> tuple[str, ...]:
    given = asked.texts("allowed_ips", was, most=100)
    for one in given:
        try:
            ip_network(one, strict=False)
        except ValueError:
            raise AskedError("allowed_ips", f"{one} is no address or network") from None
    return tuple(given)


def _hours(asked: Asked, was: tuple[int, int] | None) -> tuple[int, int] | None:
    given = asked.value("login_hours", was)
    if given is None:
        return None
    hours = (
        [one for one in given if isinstance(one, int)] if isinstance(given, list | tuple) else []
    )
    if len(hours) != 2 or not 0 <= hours[0] < hours[1] <= DAY_HOURS:  # noqa: PLR2004 - from, to
        raise AskedError("login_hours", "has to be null or [from, to] in hours of the day, UTC")
    return hours[0], hours[1]


def _frozen(value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    return tuple(value) if isinstance(value, list) else value
