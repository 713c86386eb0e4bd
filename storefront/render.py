"""Templates with what every page needs: settings for the tracker, the cart, and the events that the page reports."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.templating import Jinja2Templates

from runtime.settings import StorefrontSettings
from storefront.cart import FREE_SHIPPING_FROM, cart_from
from storefront.catalogue import CATEGORIES

FOLDER: Final = Path(__file__).parent

Call = Sequence[object]
"""A call of the tracker: its method and its arguments."""


def money(amount: float) -> str:
    """Euros as written in the shop."""
    return f"€{amount:,.2f}"


def assets_version() -> str:
    """Changes whenever a static file or a drawing does, so that browsers may keep both for ever."""
    digest = blake2b(digest_size=5)
    for file in sorted([*FOLDER.glob("static/*"), *FOLDER.glob("art/*.py")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Renderer:
    """Renders the shop's templates."""

    def __init__(self, settings: StorefrontSettings) -> None:
        self._templates = Jinja2Templates(FOLDER / "templates")
        self._templates.env.filters["money"] = money
        self._templates.env.globals.update(
            ingest_url=settings.ingest_url.rstrip("/"),
            console_url=settings.console_url.rstrip("/"),
            write_key=settings.write_key,
            categories=CATEGORIES,
            version=assets_version(),
            free_shipping_from=FREE_SHIPPING_FROM,
        )

    def page(
        self, request: Request, name: str, *, events: Sequence[Call] = (), status_code: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page; `events` are the tracker calls it makes when it is shown."""
        values = {"cart": cart_from(request.cookies), "events": list(events), **values}
        return self._templates.TemplateResponse(request, name, values, status_code=status_code)


def renderer(request: Request) -> Renderer:
    found: Renderer = request.app.state.renderer
    return found
