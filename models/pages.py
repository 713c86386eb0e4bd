"""What kind of page a path leads to, told from words that shops use in their addresses."""

import re
from functools import lru_cache
from typing import Final, Literal

PageKind = Literal["home", "information", "search", "product", "account", "cart", "checkout"]

HOME: Final = re.compile(r"/?((index|home|default|store)(\.\w{1,5})?)?/?", re.ASCII)
_PATTERNS: Final[tuple[tuple[PageKind, str], ...]] = (
    # the first kind that fits is the page's
    ("checkout", "checkout|payment|yourinfo|revieworder|review-order|shipping-address|billing|place-?order"),
    ("cart", "cart|basket|bag|panier"),
    ("account", "sign-?in|log-?in|register|registration|account|my-?account|my-?orders|password|profile"),
    (
        "information",
        "policy|policies|privacy|terms|faq|help|contact|about|about-?us|returns?|shipping|imprint|size-?guide",
    ),
    ("search", "search|asearch|searchresults?"),
    ("product", "product|products|quickview|item|dp|p"),
)
WORDS: Final = tuple((kind, re.compile(rf"(?<![a-z])(?:{words})(?![a-z])")) for kind, words in _PATTERNS)
MAX_CHARACTERS: Final = 512


@lru_cache(maxsize=8192)
def kind_of(path: str) -> PageKind | None:
    """The kind of page, None where the path does not tell: most of those are lists of products."""
    text = path[:MAX_CHARACTERS].partition("?")[0].lower()
    if HOME.fullmatch(text):
        return "home"
    return next((kind for kind, words in WORDS if words.search(text)), None)
