"""HTML pages of the org, from templates that come with the package."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

_PAGES = Environment(
    loader=PackageLoader("crmlink_salesforce_sim"), autoescape=True, undefined=StrictUndefined
)
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline';"
    " frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(_PAGES.get_template(template).render(**values), status, SAFE)
