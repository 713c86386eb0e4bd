"""An event's parameters, in any vocabulary, to typed properties; what has no typed place is left as it came."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from contracts import event_names as names
from contracts.events import Click, Item, Properties
from producers.ingest.identity import is_no_id
from producers.ingest.rejections import Unfit
from producers.ingest.scrub import redacted, truncated
from producers.ingest.vocabulary import ga4, segment

MAX_NUMBER: Final = 1e18
"""Largest amount, price or quantity; sums of them stay finite everywhere."""
MAX_ID_CHARACTERS: Final = 256
MAX_TEXT_CHARACTERS: Final = 1_024
MAX_ELEMENT_CHARACTERS: Final = 64

_DAY_MS: Final = 86_400_000
_RANGES: Final = {
    "value": (-MAX_NUMBER, MAX_NUMBER),
    "engagement_time_msec": (0, _DAY_MS),
    "percent_scrolled": (0, 100),
    "pointer_distance_px": (0, 1e9),
    "click_count": (0, 1_000_000),
    "rage_click_count": (0, 1_000_000),
    "ga_session_number": (0, 1_000_000_000),
}
_ITEM_RANGES: Final = {
    "price": (-MAX_NUMBER, MAX_NUMBER),
    "quantity": (-MAX_NUMBER, MAX_NUMBER),
    "discount": (-MAX_NUMBER, MAX_NUMBER),
    "index": (-1_000_000_000, 1_000_000_000),
}
_PAGE_CALL: Final = {**ga4.PAGE_PARAMETERS, **segment.PAGE_PARAMETERS}
_IDS: Final = frozenset(
    {"currency", "transaction_id", "coupon", "promotion_id", "incentive_id", "item_id", "item_variant"}
)
_TEXTS: Final = frozenset({"search_term", "item_name", "item_brand", "item_category"})
_TEXTUAL: Final = _IDS | _TEXTS
_PROPERTIES: Final = frozenset(Properties.__struct_fields__)
_ITEM_FIELDS: Final = frozenset(Item.__struct_fields__)
_ESSENTIAL: Final = frozenset({"value", "currency", "transaction_id", "items", "incentive_id"})
"""What money, purchases and lifts are counted by. Of an event that we know, a misfit in one of them is a reason to refuse it; any
other parameter is set aside."""
_ESSENTIAL_OF_ITEM: Final = frozenset({"item_id", "price", "quantity"})
_OPTIONAL_NUMBERS: Final[Mapping[str, tuple[type, ...]]] = {"discount": (int, float), "index": (int,)}
"""The other numbers of an item, with the types that need no closer look."""
_ONE_PRODUCT_KEYS: Final = frozenset(
    {"item_id", "item_name", "price", *segment.ITEM_PARAMETERS} - {"category", "position"}
)
_PRICED: Final = frozenset(
    {
        names.VIEW_ITEM,
        names.ADD_TO_CART,
        names.REMOVE_FROM_CART,
        names.ADD_TO_WISHLIST,
        names.VIEW_CART,
        names.BEGIN_CHECKOUT,
        names.PURCHASE,
    }
)
"""Events whose missing `value` is the sum of their items' prices times quantities."""


class Parameters(msgspec.Struct, frozen=True):
    properties: Properties
    page: dict[str, Any]
    """Page parameters that were among them, under the names of `Context`."""
    custom: dict[str, Any]


def parameters_of(event_name: str, given: Mapping[str, Any], *, is_page_call: bool = False) -> Parameters:
    """The parameters of an event that already has its GA4 or custom name. Raises `Unfit`."""
    sources = _PAGE_CALL if is_page_call else ga4.PAGE_PARAMETERS
    typed: dict[str, Any] = {}
    found: dict[str, str] = {}
    custom: dict[str, Any] = {}
    for key, value in given.items():
        if key in _PROPERTIES:
            if value is not None and value != "":
                typed[key] = value
        elif key in sources and isinstance(value, str):
            found[key] = value
        else:
            custom[key] = value
    page = {ours: found[theirs] for theirs, ours in sources.items() if theirs in found} if found else {}
    for theirs, ours in segment.PARAMETERS.get(event_name, {}).items():
        if ours not in typed and not _is_absent(custom.get(theirs)):
            typed[ours] = custom.pop(theirs)
    if event_name not in names.RECOMMENDED or event_name == names.PAGE_VIEW:
        _set_aside_misfits(given, typed, custom)
    if event_name in segment.ONE_PRODUCT and "items" not in typed:
        _gather_product(custom, typed)
    elif "items" in typed:
        _read_items(custom, typed)
    try:
        properties = _checked(typed)
    except Unfit:
        _set_aside_misfits(given, typed, custom, but=_ESSENTIAL)
        properties = _checked(typed)
    if event_name in _PRICED and properties.value is None:
        properties = _priced(properties)
    return Parameters(properties, page, custom)


def _set_aside_misfits(
    given: Mapping[str, Any], typed: dict[str, Any], custom: dict[str, Any], but: frozenset[str] = frozenset()
) -> None:
    """Leave what does not fit with the custom parameters, but for some fields. A shop's own event, or a page, may mean something else by
    `value` or `items`, and nothing is computed from it: no reason to refuse the event."""
    for field in [each for each in typed if each not in but]:
        one = {field: typed[field]}
        try:
            if field == "items":
                _read_items({}, one)
            _checked(one)
        except Unfit:
            misfit = typed.pop(field)
            custom[field] = given.get(field, misfit)


def _is_absent(value: object) -> bool:
    return value is None or value == ""


def _gather_product(custom: dict[str, Any], typed: dict[str, Any]) -> None:
    """Make one item of a product that is spread over the parameters themselves, as in Segment's `Product Added`."""
    products = custom.pop("products", None)
    if not _is_absent(products):
        typed["items"] = products
        _read_items(custom, typed)
    elif any(not _is_absent(custom.get(key)) for key in _ONE_PRODUCT_KEYS):
        if "coupon" in typed:
            custom["coupon"] = typed.pop("coupon")
        item, beyond = _item_fields(custom, 0)
        custom.clear()
        custom.update(beyond)
        typed["items"] = [item]


def _read_items(custom: dict[str, Any], typed: dict[str, Any]) -> None:
    """Name the fields of each item in our words; what an item says beyond them stays, in the same order, in `_items`."""
    items = typed["items"]
    if not isinstance(items, (list, tuple)):
        raise Unfit("properties.items must be a list")
    rest = []
    read = []
    for position, product in enumerate(items):
        if product is None:  # JavaScript writes what is undefined in a list as null
            continue
        if not isinstance(product, dict):
            raise Unfit(f"properties.items[{position}] must be an object")
        item, beyond = _item_fields(product, position)
        read.append(item)
        rest.append(beyond)
    typed["items"] = read
    if any(rest):
        custom["_items"] = rest


def _item_fields(product: Mapping[str, Any], position: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """An item's fields in our words, and what the product says beyond them."""
    item: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in product.items():
        if key not in _ITEM_FIELDS:
            rest[key] = value
        elif value is not None and value != "":
            try:
                item[key] = _fitting(key, value, position)
            except Unfit as unfit:
                _set_aside(rest, key, value, unfit)
    if rest and not rest.keys().isdisjoint(segment.ITEM_PARAMETERS):
        for theirs, ours in segment.ITEM_PARAMETERS.items():
            # A place on the page is none in the list.
            if theirs in rest and ours not in item and (theirs != "position" or _is_whole(rest[theirs])):
                value = rest.pop(theirs)
                if _is_absent(value):
                    continue
                try:
                    item[ours] = _fitting(ours, value, position)
                except Unfit as unfit:
                    _set_aside(rest, ours, value, unfit)
    return item, rest


def _set_aside(rest: dict[str, Any], field: str, value: Any, unfit: Unfit) -> None:
    """Keep a value that does not fit into an item beside it, when nothing is counted by it; else raise."""
    if field in _ESSENTIAL_OF_ITEM:
        raise unfit
    rest[field] = value


def _is_whole(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) < 10
    return isinstance(value, int) and not isinstance(value, bool)


def _fitting(field: str, value: Any, position: int | None = None) -> Any:
    """The value of a text field: numbers are written out, ids bounded, free text cut; other fields pass, for `_checked` to check, but for
    those whose misfits an item sets aside. Raises `Unfit`."""
    if field not in _TEXTUAL:
        plain = _OPTIONAL_NUMBERS.get(field)
        if plain is not None and not (type(value) in plain and abs(value) <= 1_000_000_000):
            _checked({"items": [{field: value}]})
        return value
    if type(value) is str and len(value) <= MAX_ID_CHARACTERS and field != "currency":  # nearly always
        return _anonymous(value) if field in _TEXTS else value
    is_id = field in _IDS
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not isinstance(value, str):
        raise Unfit(f"{_where(position)}.{field} must be a text")
    if is_id and len(value) > MAX_ID_CHARACTERS:
        raise Unfit(f"{_where(position)}.{field} must be at most {MAX_ID_CHARACTERS} characters")
    return value.strip().upper() if field == "currency" else _anonymous(value[:MAX_TEXT_CHARACTERS])


def _anonymous(text: str) -> str:
    if "@" in text or "." in text or ":" in text or "%40" in text:
        return truncated(redacted(text))
    return text


def _checked(typed: dict[str, Any]) -> Properties:
    if not typed:
        return Properties()
    for field, value in typed.items():
        if field in _TEXTUAL:
            typed[field] = _fitting(field, value)
    if (order := typed.get("transaction_id")) is not None and (order == "0" or is_no_id(order)):
        typed["transaction_id"] = None  # or all orders of a visitor would be one
    try:
        # Not strict: plain numbers in texts are numbers.
        properties = msgspec.convert(typed, Properties, strict=False)
    except msgspec.ValidationError as error:
        raise Unfit(_in_words(str(error))) from None
    _check_ranges(properties, _RANGES, [field for field in typed if field in _RANGES])
    for position, item in enumerate(properties.items):
        _check_ranges(item, _ITEM_RANGES, _ITEM_RANGES, position)
    if properties.clicks:
        clicks = tuple(map(_anonymous_click, properties.clicks))
        properties = msgspec.structs.replace(properties, clicks=clicks)
    return properties


def _anonymous_click(click: Click) -> Click:
    if click.element is None or (element := _anonymous(click.element)) == click.element:
        return click
    return msgspec.structs.replace(
        click, element=element[:MAX_ELEMENT_CHARACTERS]
    )  # what stands for an address may be longer


def _check_ranges(
    of: Properties | Item, ranges: Mapping[str, tuple[float, float]], fields: Iterable[str], position: int | None = None
) -> None:
    for field in fields:
        number = getattr(of, field)
        low, high = ranges[field]
        if number is not None and not low <= number <= high:  # also false for NaN
            raise Unfit(f"{_where(position)}.{field} must be a number from {low:g} to {high:g}")


def _where(position: int | None) -> str:
    return "properties" if position is None else f"properties.items[{position}]"


_EXPECTED: Final = re.compile(r"Expected `(?P<kind>[a-z]+)[^`]*`.* - at `\$\.?(?P<path>[^`]*)`")
_WORDS: Final = {
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list",
}


def _in_words(error: str) -> str:
    found = _EXPECTED.match(error)
    if found is None:
        return f"properties: {error}"
    return f"properties.{found['path']} must be {_WORDS.get(found['kind'], found['kind'])}"


def _priced(properties: Properties) -> Properties:
    prices = [item.price for item in properties.items if item.price is not None]
    if not prices or len(prices) < len(properties.items):
        return properties
    total = sum(price * item.quantity for price, item in zip(prices, properties.items, strict=True))
    if abs(total) > MAX_NUMBER:
        return properties
    return msgspec.structs.replace(properties, value=round(total, 6))
