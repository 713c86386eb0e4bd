"""The demo storefront as a Starlette app."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from runtime.health import health_routes
from runtime.settings import StorefrontSettings
from storefront import checkout, pages
from storefront.render import FOLDER, Renderer
from storefront.security import SecurityHeaders


class KeptFiles(StaticFiles):
    """Static files whose address carries their version: a browser may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if b"v=" in scope["query_string"] and response.status_code == 200:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


async def client_gone(_: Request, __: Exception) -> Response:
    """For a body that was cut off: nobody reads the answer, and the log needs no traceback."""
    return Response(status_code=400)


def storefront(settings: StorefrontSettings) -> Starlette:
    """The app. It depends on nothing: without ingest and console the shop still sells."""
    app = Starlette(
        routes=[
            Route("/", pages.catalogue),
            Route("/products/{item_id}", pages.product),
            Route("/also", pages.also),
            Route("/guide", pages.guide),
            Route("/art/{item_id}.svg", pages.art),
            Route("/cart", checkout.cart),
            Route("/cart/add", checkout.add, methods=["POST"]),
            Route("/cart/change", checkout.change, methods=["POST"]),
            Route("/cart/coupon", checkout.coupon, methods=["POST"]),
            Route("/cart/offer", checkout.offer, methods=["POST"]),
            Route("/checkout", checkout.checkout),
            Route("/checkout/shipping", checkout.shipping, methods=["POST"]),
            Route("/checkout/payment", checkout.payment),
            Route("/checkout/order", checkout.order, methods=["POST"]),
            Route("/confirmation/{order_id}", checkout.confirmation),
            Mount("/static", KeptFiles(directory=FOLDER / "static")),
            *health_routes({}),
        ],
        middleware=[Middleware(SecurityHeaders, settings=settings), Middleware(GZipMiddleware, minimum_size=800)],
        exception_handlers={404: pages.not_found, ClientDisconnect: client_gone},
    )
    app.state.renderer = Renderer(settings)
    return app
