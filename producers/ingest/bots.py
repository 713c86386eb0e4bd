"""Whether a user agent is a known crawler's, an automated browser's or a program's, by the public list `crawler-user-agents`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from producers.ingest.context import user_agent_of

HEADLESS: Final = "HeadlessChrome"


def _pattern() -> Any:
    """All 1,500 patterns of the list as one. Python's `re` tries them one by one, 0.7 ms for a long user agent, and an attacker
    may send a new one with each event."""
    options = re2.Options()
    options.max_mem = 64 * 1024 * 1024  # its default is too little for so many
    return re2.compile("|".join(crawler["pattern"] for crawler in CRAWLER_USER_AGENTS_DATA), options)


_CRAWLERS: Final = _pattern()


@lru_cache(maxsize=4096)
def is_crawler(user_agent: str) -> bool:
    """Whether the user agent is on the list."""
    return _CRAWLERS.search(user_agent) is not None


def bot_score_in(context: Mapping[str, Any], user_agent: str | None) -> float | None:
    """The same for an SDK's context; one that was kept without its user agent says `bot` instead."""
    if context.get("bot") is True:
        return 1.0
    return bot_score_of(user_agent_of(context, user_agent), context.get("userAgentData"))


def bot_score_of(user_agent: str | None, hints: Any) -> float | None:
    """1 for a program that says what it is, in its user agent or in the brands of its client hints; else None."""
    if user_agent and is_crawler(user_agent):
        return 1.0
    brands = hints.get("brands") if isinstance(hints, dict) else None
    if isinstance(brands, list) and any(isinstance(each, dict) and each.get("brand") == HEADLESS for each in brands):
        return 1.0
    return None
