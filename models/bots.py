"""How much a session looks like a program's work, from 0 (a person's) to 1. Pure, and whatever order its events arrived in."""

from bisect import insort
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from contracts.features import SessionFeatures

BOT_FROM: Final = 0.5
"""A session with this score or more is a bot's: views say it in SQL as `is_bot`."""
MAX_PAGE_TIMES: Final = 32
"""Page views whose times are kept of a session, the earliest."""

INHUMAN_PAUSE_MS: Final = 1_000
INHUMAN_PAGES: Final = 20
INHUMAN: Final = 0.8
REGULAR_PAGES: Final = 12
REGULAR_SPREAD: Final = 0.1
"""Of the pauses between pages: standard deviation divided by mean. People are far above 0.5."""
REGULAR: Final = 0.7
UNTOUCHED: Final = ((1_000, 0.6), (300, 0.4))
"""Pages viewed without a sign of use → how suspicious that is. Some shops send no engagement, and buyers there view hundreds."""


def is_bot(features: SessionFeatures) -> bool:
    return (features.bot_score or 0.0) >= BOT_FROM


def keep_page_times(kept: list[int], times_ms: Iterable[int]) -> None:
    """Add times of page views, each once: pages of one millisecond tell of a batch without times rather than of a pace."""
    for time_ms in times_ms:
        if time_ms not in kept:
            insort(kept, time_ms)
    del kept[MAX_PAGE_TIMES:]


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def bot_score(by_user_agent: float, page_times_ms: Sequence[int], page_count: int, active_ms: float | None) -> float:
    """Each sign is a chance that it is a program, and they are taken as independent."""
    innocence = 1.0 - by_user_agent
    pauses_ms = [later - earlier for earlier, later in pairwise(page_times_ms)]
    span_ms = sum(pauses_ms)
    if len(page_times_ms) >= INHUMAN_PAGES and span_ms < INHUMAN_PAUSE_MS * len(pauses_ms):
        innocence *= 1.0 - INHUMAN
    if not active_ms:
        # Variance and mean, both times the number of pauses squared: whole numbers, whatever order they are summed in.
        spread = len(pauses_ms) * sum(pause * pause for pause in pauses_ms) - span_ms * span_ms
        if len(page_times_ms) >= REGULAR_PAGES and spread < REGULAR_SPREAD**2 * span_ms * span_ms:
            innocence *= 1.0 - REGULAR
        innocence *= 1.0 - next((chance for pages, chance in UNTOUCHED if page_count >= pages), 0.0)
    return round(1.0 - innocence, 3)
