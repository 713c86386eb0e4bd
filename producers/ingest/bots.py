"""Whether a user agent is a known crawler's, an automated browser's or a program's, by the public list `crawler-user-agents`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from crawleruseragents import is_crawler as is_on_the_list

from producers.ingest.context import user_agent_of

HEADLESS: Final = "HeadlessChrome"

# Some hundred microseconds the first time that a user agent is seen.
is_crawler: Final = lru_cache(maxsize=4096)(is_on_the_list)


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
