"""A visitor's recommendations: how alike items are, and the visitor's own acts as Postgres has them at this moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from console.bodies import RecommendationsAnswer, RecommendedItem
from console.database import Database
from models.likeness import Likeness
from models.recommend import Act, recommendation, shopper_of
from sql.files import statement

MOST_EVENTS: Final = 500
"""Of the visitor's own that are looked at, the newest: whoever invents more of them makes nobody wait."""
OFF: Final = "recommendations are switched off (SHOPSTREAM_CONSOLE_RECOMMEND_REFRESH_S)"
NOT_YET: Final = "what visitors touch together has not been looked at yet; try again in a minute"
TOO_FEW: Final = "too few visitors have touched the same items yet"


class Recommendations:
    """Answers one visitor. `likeness` gives the newest there is; `days` is how far back the visitor's own acts count."""

    def __init__(self, database: Database, likeness: Callable[[], Likeness | None], days: int) -> None:
        self._database = database
        self._likeness = likeness
        self._days = days

    def answer(self, visitor_id: str, limit: int, page_item_id: str | None, now: datetime) -> RecommendationsAnswer:
        """At most `limit` items; `page_item_id` is the item on the page. Raises `DatabaseUnreachable`."""
        likeness = self._likeness()
        if likeness is None:
            return nothing(visitor_id, NOT_YET)
        shopper = shopper_of(self._acts(visitor_id, now), now, page_item_id)
        told = recommendation(likeness, shopper, limit)
        return RecommendationsAnswer(
            visitor_id=visitor_id,
            basis=told.basis,
            reason=TOO_FEW if told.basis == "none" else None,
            as_of=likeness.as_of,
            items=[RecommendedItem(**each._replace(score=_coarse(each.score))._asdict()) for each in told.items],
        )

    def _acts(self, visitor_id: str, now: datetime) -> list[Act]:
        values = {"visitor_id": visitor_id, "since": now - timedelta(days=self._days), "most_events": MOST_EVENTS}
        rows = self._database.rows(statement("acts_of_visitor"), values)
        return [Act(row["item_id"], row["event_name"], row["occurred_at"], float(row["quantity"])) for row in rows]


def _coarse(score: float) -> float:
    """To two digits: from all of them it could be computed when a single visitor more touched what."""
    return float(f"{score:.2g}")


def nothing(visitor_id: str, reason: str) -> RecommendationsAnswer:
    return RecommendationsAnswer(visitor_id=visitor_id, basis="none", reason=reason, as_of=None, items=[])
