"""Logs in at the org as a person does in a browser: the login page, then Allow."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from crmlink_devstack.walk.surfaces import Surfaces, WalkError

MOST_PAGES = 10


class _Form(HTMLParser):
    """The first form of a page: where it goes, and what it holds already."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.method = "get"
        self.fields: dict[str, str] = {}
        self.names: list[str] = []
        self.buttons: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = told.get("action", "")
            self.method = told.get("method", "get").lower()
        elif tag == "input" and told.get("type") not in {"submit", "button"}:
            self.names.append(told.get("name", ""))
            self.fields[told.get("name", "")] = told.get("value", "")
        elif tag in {"button", "input"} and told.get("name"):
            self.buttons.append((told["name"], told.get("value", "")))


async def log_in(http: httpx.AsyncClient, url: str, surfaces: Surfaces, until: str) -> str:
    """Follow redirects and fill forms until the browser is sent to ``until``; return that URL.

    Raises:
        WalkError: the org showed something else, for instance an error page.
    """
    response = await http.get(url)
    for _ in range(MOST_PAGES):
        if response.is_redirect:
            url = urljoin(str(response.url), response.headers["location"])
            if url.startswith(until):
                return url
            response = await http.get(url)
            continue
        if response.status_code != httpx.codes.OK:
            raise WalkError(f"the login at the org answered {response.status_code}")
        response = await _submit(http, response, surfaces)
    raise WalkError("the login at the org did not come to an end")


async def _submit(
    http: httpx.AsyncClient, page: httpx.Response, surfaces: Surfaces
) -> httpx.Response:
    form = _Form()
    form.feed(page.text)
    if form.action is None:
        raise WalkError(f"the org showed a page without a form at {page.url.path}")
    data = dict(form.fields)
    for name in form.names:
        if name in {"username", "un"}:
            data[name] = surfaces.username
        elif name in {"password", "pw"}:
            data[name] = surfaces.password
    for name, value in form.buttons:
        if "allow" in f"{name} {value}".lower():
            data[name] = value
            break
    target = urljoin(str(page.url), form.action)
    return await http.request(form.method.upper(), target, data=data)
