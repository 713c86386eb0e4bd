"""Snowplow's tracker protocol and its e-commerce vocabulary, as tables."""

from collections.abc import Mapping
from typing import Final

from contracts import event_names as names

ACTIONS: Final[Mapping[str, str]] = {
    "list_view": names.VIEW_ITEM_LIST,
    "list_click": names.SELECT_ITEM,
    "product_view": names.VIEW_ITEM,
    "add_to_cart": names.ADD_TO_CART,
    "remove_from_cart": names.REMOVE_FROM_CART,
    "checkout_step": names.BEGIN_CHECKOUT,
    "transaction": names.PURCHASE,
    "refund": names.REFUND,
    "promo_view": names.VIEW_PROMOTION,
    "promo_click": names.SELECT_PROMOTION,
    "trns_error": "transaction_error",
}
"""`type` of an e-commerce action → our name."""

CHECKOUT_STEPS: Final = (
    (names.ADD_PAYMENT_INFO, frozenset({"payment_method", "proof_of_payment"})),
    (
        names.ADD_SHIPPING_INFO,
        frozenset({"shipping_postcode", "shipping_full_address", "delivery_provider", "delivery_method"}),
    ),
)
"""What a checkout step is, by what the shopper filled in; the first that fits."""

SELF_DESCRIBING: Final[Mapping[str, str]] = {"site_search": names.SEARCH}
"""Name in a self-describing event's schema → our name, where a shop's own would not be meant."""

PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    "se": {
        "se_ca": "event_category",
        "se_la": "event_label",
        "se_pr": "event_property",
        "se_va": "value",
    },
    "tr": {
        "tr_id": "transaction_id",
        "tr_tt": "value",
        "tr_cu": "currency",
        "tr_tx": "tax",
        "tr_sh": "shipping",
        "tr_af": "affiliation",
    },
    "ti": {
        "ti_id": "transaction_id",
        "ti_cu": "currency",
        "ti_sk": "sku",
        "ti_nm": "name",
        "ti_ca": "category",
        "ti_pr": "price",
        "ti_qu": "quantity",
    },
    # E-commerce entities, and self-describing events that came before them.
    "cart": {"total_value": "cart_value"},
    "transaction": {"revenue": "value", "discount_code": "coupon"},
    "refund": {"refund_amount": "value"},
    "promotion": {"id": "promotion_id", "name": "promotion_name"},
    "checkout_step": {"coupon_code": "coupon"},
    "snowplow_ecommerce_action": {"name": "item_list_name"},
    "add_to_cart": {"unitPrice": "price"},
    "remove_from_cart": {"unitPrice": "price"},
    "site_search": {"terms": "search_term"},
}
"""Kind of event → its fields of the protocol → our parameters. Or the name in the schema of an entity or a self-describing
event → its field → our parameter; there, a field that is not listed keeps its name."""

ECOMMERCE: Final = "com.snowplowanalytics.snowplow.ecommerce"
"""Vendor of the e-commerce entities."""
ENTITIES: Final = frozenset({"cart", "transaction", "refund", "promotion", "checkout_step", "transaction_error"})
"""Entities whose fields are parameters of the event. `product` is an item; any other entity is kept beside them."""

CONSENT: Final[Mapping[str, bool]] = {
    "allow_all": True,
    "implicit_consent": True,
    "deny_all": False,
    "expired": False,
    "pending": False,
    "withdrawn": False,
}
"""`eventType` of a `consent_preferences` → whether everything is allowed."""

PAGE: Final[Mapping[str, str]] = {"url": "url", "page": "title", "refr": "referrer"}
CONTEXT: Final[Mapping[str, str]] = {"ua": "userAgent", "lang": "locale", "tz": "timezone", "sid": "sessionId"}
"""Field of the protocol → field of an SDK's context. Addresses (`ip`) and the collector's cookie (`nuid`) are not read at all,
which is also what a tracker asks for with `SP-Anonymous`."""
