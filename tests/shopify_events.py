"""Events as Shopify documents them, for tests."""

from typing import Any

VARIANT = {
    "id": "43751530397931",
    "image": {"src": "//shop.example/lamp.jpg"},
    "price": {"amount": 25.5, "currencyCode": "EUR"},
    "product": {"id": "7992983748843", "title": "Lamp", "untranslatedTitle": "Lamp", "vendor": "Lux", "type": "Light"},
    "sku": "LAMP-1",
    "title": "Blue",
    "untranslatedTitle": "Blue",
}
LINE = {"cost": {"totalAmount": {"amount": 51, "currencyCode": "EUR"}}, "merchandise": VARIANT, "quantity": 2}
CHECKOUT = {
    "token": "864ef6919a",
    "currencyCode": "EUR",
    "email": "ada@example.com",
    "phone": "+33 1",
    "shippingAddress": {"firstName": "Ada", "address1": "1 Rue", "zip": "75001"},
    "billingAddress": {"lastName": "Lovelace"},
    "attributes": [{"key": "gift", "value": "for Charles"}],
    "discountApplications": [{"type": "AUTOMATIC", "title": "Spring"}, {"type": "DISCOUNT_CODE", "title": "TEA10"}],
    "lineItems": [
        {"id": "l1", "quantity": 2, "title": "Lamp", "discountAllocations": [], "variant": VARIANT},
        {"id": "l2", "quantity": 1, "title": "Gift wrap", "variant": None},
    ],
    "order": {"id": "gid://shopify/OrderIdentity/5396", "customer": {"id": "42", "isFirstOrder": True}},
    "shippingLine": {"price": {"amount": 4, "currencyCode": "EUR"}},
    "subtotalPrice": {"amount": 51, "currencyCode": "EUR"},
    "totalTax": {"amount": 11, "currencyCode": "EUR"},
    "totalPrice": {"amount": 66, "currencyCode": "EUR"},
}


def event(name: str, data: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": "sh-024cb97f-43E7",
        "name": name,
        "type": "standard",
        "seq": 3,
        "clientId": "ece6cea2",
        "timestamp": "2026-03-02T11:59:59.500Z",
        "data": data or {},
        "context": {
            "document": {
                "location": {"href": "https://shop.example/lamp?utm_source=mail", "pathname": "/lamp", "search": "?…"},
                "referrer": "https://r.example/",
                "characterSet": "UTF-8",
                "title": "Lamp – shop",
            },
            "navigator": {
                "language": "fr-FR",
                "languages": ["fr-FR"],
                "cookieEnabled": True,
                "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1",
            },
            "window": {"innerWidth": 390, "scrollY": 0, "screen": {"width": 390, "height": 844}},
        },
        **fields,
    }
