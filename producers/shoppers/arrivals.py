"""How a visitor arrives: the browser in hand and the link followed, as the tracker would report them."""

from dataclasses import dataclass
from random import Random
from typing import Final

from producers.shoppers.archetypes import Weights


@dataclass(frozen=True, slots=True)
class Browser:
    user_agent: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Link:
    """Where the first page was linked from. `query` carries the campaign into the landing page's address."""

    referrer: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""

    @property
    def query(self) -> str:
        if not self.source:
            return ""
        return f"?utm_source={self.source}&utm_medium={self.medium}&utm_campaign={self.campaign}"


_KHTML: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
BROWSERS: Final[dict[str, tuple[Browser, ...]]] = {
    "desktop": (
        Browser(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KHTML} Chrome/138.0.0.0 Safari/537.36", 1920, 1080),
        Browser(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Safari/605.1.15", 1512, 982),
        Browser("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", 1536, 864),
        Browser(
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KHTML} Chrome/138.0.0.0 Safari/537.36 Edg/138.0", 1366, 768
        ),
        Browser(f"Mozilla/5.0 (X11; Linux x86_64) {_KHTML} Chrome/138.0.0.0 Safari/537.36", 1920, 1200),
    ),
    "mobile": (
        Browser(
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1", 393, 852
        ),
        Browser(f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Chrome/138.0.0.0 Mobile Safari/537.36", 412, 915),
        Browser(
            f"Mozilla/5.0 (Linux; Android 15; SM-S921B) {_KHTML} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            360,
            780,
        ),
    ),
    "tablet": (
        Browser(f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {_SAFARI} Mobile/15E148 Safari/604.1", 820, 1180),
        Browser(f"Mozilla/5.0 (Linux; Android 14; SM-X710) {_KHTML} Chrome/138.0.0.0 Safari/537.36", 800, 1280),
    ),
}
LINKS: Final[dict[str, tuple[Link, ...]]] = {
    "direct": (Link(),),
    "search": (
        Link("https://www.google.com/"),
        Link("https://www.google.com/"),
        Link("https://www.bing.com/"),
        Link("https://duckduckgo.com/"),
    ),
    "social": (
        Link("https://www.instagram.com/"),
        Link("https://www.facebook.com/"),
        Link("https://www.pinterest.com/", "pinterest", "social", "autumn-table"),
    ),
    "email": (
        Link("", "newsletter", "email", "new-arrivals"),
        Link("", "newsletter", "email", "quiet-sunday-offer"),
    ),
    "paid": (
        Link("https://www.google.com/", "google", "cpc", "teapots-search"),
        Link("https://www.instagram.com/", "instagram", "cpc", "gift-season"),
    ),
    "referral": (
        Link("https://slow-tea-journal.example/best-teapots"),
        Link("https://gift-guides.example/for-tea-lovers"),
    ),
}
PLACES: Final = (
    ("en-GB", "Europe/London"),
    ("en-US", "America/New_York"),
    ("de-DE", "Europe/Berlin"),
    ("fr-FR", "Europe/Paris"),
    ("nl-NL", "Europe/Amsterdam"),
)


def drawn(random: Random, weights: Weights) -> str:
    """One of the names, drawn by weight."""
    return random.choices(tuple(weights), tuple(weights.values()))[0]
