"""Pages for buying: the cart, what changes it, the checkout's steps and the confirmation."""

import secrets
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs

import msgspec
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from contracts import event_names
from contracts.codec import UNDECODABLE
from storefront.cart import COUPONS, Cart, Offer, cart_from, cookie_of
from storefront.catalogue import BY_ID, Product
from storefront.pages import not_found
from storefront.render import renderer

Form = dict[str, str]

CART_DAYS: Final = 30
SEE_OTHER: Final = 303

orders = Counter("storefront_orders_total", "Orders placed in the demo storefront.")


async def cart(request: Request) -> HTMLResponse:
    """What is in the cart."""
    held = cart_from(request.cookies)
    events = [("track", event_names.VIEW_CART, held.ga4())] if held.lines else []
    return renderer(request).page(request, "cart.html", events=events)


async def add(request: Request) -> Response:
    """Put a product into the cart."""
    form = await _form(request)
    product = _product(form)
    if product is None:
        return await not_found(request)
    held = cart_from(request.cookies)
    return _with_cart(request, held.with_quantity(product, held.quantity_of(product) + _quantity(form)))


async def change(request: Request) -> Response:
    """Set how many of a product are in the cart; none takes it out."""
    form = await _form(request)
    product = _product(form)
    if product is None:
        return await not_found(request)
    return _with_cart(request, cart_from(request.cookies).with_quantity(product, _quantity(form)))


async def coupon(request: Request) -> Response:
    """Redeem a code; an unknown one leaves the cart as it is."""
    code = (await _form(request)).get("code", "").strip().upper()
    held = cart_from(request.cookies)
    if code not in COUPONS:
        if _wants_json(request):
            return JSONResponse({"message": "We do not know this code."}, status_code=422)
        return RedirectResponse("/cart", SEE_OTHER)
    return _with_cart(request, replace(held, coupon=code))


async def offer(request: Request) -> Response:
    """Keep an incentive that the shopper accepted, so that the cart and the checkout honour it."""
    try:
        accepted = msgspec.json.decode(await request.body(), type=Offer)
    except UNDECODABLE as error:
        return JSONResponse({"message": f"not an offer: {error}"}, status_code=422)
    return _with_cart(request, replace(cart_from(request.cookies), offer=accepted))


async def checkout(request: Request) -> Response:
    """The checkout's first step; one page for everything when simplified checkout was accepted."""
    held = cart_from(request.cookies)
    if not held.lines:
        return RedirectResponse("/cart", SEE_OTHER)
    step = "express" if held.is_express else "shipping"
    return renderer(request).page(request, "checkout.html", events=[("checkout", held.ga4())], step=step)


async def shipping(request: Request) -> Response:
    """On to the second step. The address is not read: this is a demo, and it keeps none."""
    return RedirectResponse("/checkout/payment", SEE_OTHER)


async def payment(request: Request) -> Response:
    """The checkout's second step."""
    held = cart_from(request.cookies)
    if not held.lines:
        return RedirectResponse("/cart", SEE_OTHER)
    return renderer(request).page(request, "checkout.html", step="payment")


async def order(request: Request) -> Response:
    """Place the order: the cart becomes the confirmation's."""
    held = cart_from(request.cookies)
    if not held.lines:
        return RedirectResponse("/cart", SEE_OTHER)
    orders.inc()
    place = f"/confirmation/MK-{secrets.token_hex(5).upper()}"
    response = RedirectResponse(place, SEE_OTHER)
    _set_cookie(response, "order", held, path=place)  # an earlier order's page keeps what was in that one
    response.delete_cookie("cart")
    return response


async def confirmation(request: Request) -> Response:
    """Thanks for an order. Shown again it reports the same transaction, which counts once."""
    ordered = cart_from({"cart": request.cookies.get("order", "")})
    if not ordered.lines:
        return await not_found(request)
    order_id = request.path_params["order_id"]
    bought = {**ordered.ga4(), "transaction_id": order_id, "shipping": ordered.shipping}
    return renderer(request).page(
        request, "confirmation.html", events=[("purchase", bought)], ordered=ordered, order_id=order_id
    )


async def _form(request: Request) -> Form:
    """The fields of a submitted form; the first of each name, and none of a body that is not a form."""
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _product(form: Form) -> Product | None:
    return BY_ID.get(form.get("item_id", ""))


def _quantity(form: Form) -> int:
    try:
        return max(0, int(form.get("quantity", "1")))
    except ValueError:
        return 1


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _with_cart(request: Request, held: Cart) -> Response:
    """The answer to a change: sums for the shop's script, the cart page for a browser without it."""
    response: Response
    if _wants_json(request):
        response = JSONResponse({"item_count": held.item_count, "subtotal": held.subtotal, "total": held.total})
    else:
        response = RedirectResponse("/cart", SEE_OTHER)
    _set_cookie(response, "cart", held)
    return response


def _set_cookie(response: Response, name: str, held: Cart, path: str = "/") -> None:
    max_age_s = CART_DAYS * 86_400
    response.set_cookie(name, cookie_of(held), max_age=max_age_s, path=path, httponly=True, samesite="lax")
