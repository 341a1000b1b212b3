"""Pages from templates that escape everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crmlink_gateway.domain.app_kinds import APP_KINDS
from crmlink_gateway.domain.guide import EDITIONS, INSTANCE_URLS, SCOPES, WAITING

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Pages:
    def __init__(self, product_name: str) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["product_name"] = product_name

    def _page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - for the template
        text = self._templates.get_template(template).render(**values)
        return HTMLResponse(text, status_code=status)

    def sign_in(self, *, trouble: str = "", status: int = 200) -> HTMLResponse:
        return self._page("sign_in.html", status=status, trouble=trouble)

    def missing(self) -> HTMLResponse:
        """Stand in for the Salesforce page where the feature flag is off."""
        return self._page("missing.html", status=404)

    def salesforce(self, *, workspace_id: str, api: str, form_token: str) -> HTMLResponse:
        return self._page(
            "salesforce.html",
            workspace_id=workspace_id,
            api=api,
            form_token=form_token,
            app_kinds=APP_KINDS,
            scopes=SCOPES,
            instance_urls=INSTANCE_URLS,
            editions=EDITIONS,
            waiting=WAITING,
        )

    def outcome(self, *, ok: bool, code: str, message: str, cure: str) -> HTMLResponse:
        """Say how a sign-in ended; a good one closes its window."""
        values = {"ok": ok, "code": code, "message": message, "cure": cure}
        return self._page("outcome.html", status=200 if ok else 400, **values)
