"""Pages for looking around: the catalogue, one product, the brewing guide, and the drawings on them."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from contracts import event_names
from storefront.art.illustrations import illustration
from storefront.catalogue import BY_ID, CATEGORIES, CURRENCY, PRODUCTS, SORTS, found, related_to
from storefront.render import renderer

LISTED_ITEMS = 12
"""Items that a list event names: what fits on the first screens."""
ALSO_SHOWN = 4
ALSO_TITLES = {"items": "Others also looked at", "popular": "Popular of late"}
"""By what recommendations are based on."""


async def catalogue(request: Request) -> HTMLResponse:
    """The list of products, filtered, searched and sorted by the query."""
    query = request.query_params
    category = next((name for name in CATEGORIES if name == query.get("category")), "")
    search = query.get("q", "").strip()[:80]
    sort = query.get("sort", "featured")
    products = found(category, search, sort)
    listed = {
        "item_list_name": "Search results" if search else category or "All products",
        "currency": CURRENCY,
        "items": [{**product.item(), "index": index} for index, product in enumerate(products[:LISTED_ITEMS])],
    }
    events: list[tuple[object, ...]] = [("track", event_names.VIEW_ITEM_LIST, listed)]
    if search:
        events.insert(0, ("track", event_names.SEARCH, {"search_term": search}))
    return renderer(request).page(
        request,
        "catalogue.html",
        events=events,
        products=products,
        category=category,
        search=search,
        sort=sort if sort in SORTS else "featured",
        sorts=SORTS,
        list_name=listed["item_list_name"],
    )


async def product(request: Request) -> HTMLResponse:
    """One product."""
    shown = BY_ID.get(request.path_params["item_id"])
    if shown is None:
        return await not_found(request)
    money = {"currency": CURRENCY, "value": shown.price, "items": [shown.item()]}
    return renderer(request).page(
        request,
        "product.html",
        events=[("track", event_names.VIEW_ITEM, money)],
        product=shown,
        related=related_to(shown),
    )


async def also(request: Request) -> Response:
    """A strip of the products that were recommended, for a page to take in; 204 when none of them is ours."""
    asked = dict.fromkeys(request.query_params.getlist("item"))
    products = [BY_ID[item_id] for item_id in asked if item_id in BY_ID][:ALSO_SHOWN]
    if not products:
        return Response(status_code=204)
    title = ALSO_TITLES.get(request.query_params.get("basis", ""), ALSO_TITLES["items"])
    return renderer(request).page(request, "also.html", products=products, title=title)


async def guide(request: Request) -> HTMLResponse:
    """How to brew: where the tutorial incentive leads."""
    teas = [each for each in PRODUCTS if each.category == "Tea"]
    return renderer(request).page(request, "guide.html", teas=teas)


async def art(request: Request) -> Response:
    """A product's drawing."""
    drawing = illustration(request.path_params["item_id"])
    if drawing is None:
        return Response("no such drawing", status_code=404, media_type="text/plain")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(drawing, media_type="image/svg+xml", headers=headers)


async def not_found(request: Request, _error: Exception | None = None) -> HTMLResponse:
    return renderer(request).page(request, "missing.html", status_code=404)
