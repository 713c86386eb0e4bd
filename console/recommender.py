"""Hop 9. Touches of all visitors from Postgres in, how alike items are out: made anew now and then, on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import psycopg2
from prometheus_client import Counter, Gauge
from psycopg2.extensions import connection as Connection

from console.database import DatabaseUnreachable, problems_told
from models.likeness import Likeness, Touch, likeness_of
from runtime.settings import ConsoleSettings
from sql.connection import connect, cut_off_after
from sql.files import statement

log = logging.getLogger(__name__)

ITEMS: Final = Gauge(
    "console_recommend_items", "Items that recommendations are made of: those that enough visitors touched."
)
AGE: Final = Gauge(
    "console_recommend_age_seconds", "Seconds since recommendations were made anew; NaN until the first time."
)
FAILURES: Final = Counter(
    "console_recommend_failures_total", "Vain attempts to make recommendations anew; the old ones went on being told."
)
HABITS: Final = "set transaction read only; set local statement_timeout = 60000"
CUT_OFF_S: Final = 120.0
MOST_OF_VISITOR: Final = 50
"""Touches of one visitor, the newest: a flood from one leaves the others' room."""
ROWS_AT_ONCE: Final = 2_000
"""Psycopg makes all rows of one fetch in one go, in which nothing else of the process runs."""
SHARE_OF_TIME: Final = 0.1
"""Of one connection and core, at most, that the making takes."""
AGAIN_AFTER_S: Final = 5.0
STOP_S: Final = 2.0


class RecommenderThread:
    """Makes the likeness anew every `refresh_s`, and keeps the last one while Postgres is away."""

    def __init__(self, dsn: str, settings: ConsoleSettings, now: Callable[[], datetime]) -> None:
        self._dsn = dsn
        self._settings = settings
        self._now = now
        self._stopping = threading.Event()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="recommender", daemon=True)
        self._latest: Likeness | None = None
        self._has_complained = False

    def latest(self) -> Likeness | None:
        """None until it was made for the first time. From any thread."""
        return self._latest

    def start(self) -> None:
        AGE.set_function(self._age_s)
        ITEMS.set_function(lambda: len(self._latest or ()))
        self._thread.start()

    def stop(self) -> None:
        """End the select that is under way; whatever else is under way ends with the process."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            try:
                connection.cancel()
            except psycopg2.Error:
                log.debug("the connection had ended already")
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def make(self) -> Likeness:
        """The likeness as of now. Raises `DatabaseUnreachable`."""
        as_of = self._now()
        return likeness_of(self._touches(as_of), as_of, min_visitors=self._settings.recommend_min_visitors)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            began_s = time.monotonic()
            try:
                self._latest = self.make()
            except DatabaseUnreachable as error:
                self._complain(str(error))
                least_s = AGAIN_AFTER_S
            except Exception:
                # Decisions must reach the browsers all the same, so the console goes on.
                FAILURES.inc()
                log.exception("recommendations could not be made for a reason of ours; the old ones go on being told")
                least_s = self._settings.recommend_refresh_s
            else:
                self._has_complained = False
                least_s = self._settings.recommend_refresh_s
            # Also after what was in vain: a select that is given up after a minute has cost Postgres that minute.
            pause_s = pause_after(time.monotonic() - began_s, least_s)

    def _touches(self, as_of: datetime) -> Iterator[Touch]:
        values = {
            "since": as_of - timedelta(days=self._settings.recommend_days),
            "most_of_visitor": MOST_OF_VISITOR,
            "most": self._settings.recommend_max_touches,
        }
        with problems_told(self._dsn, "a minute"):
            connection = self._connection = connect(self._dsn)
            try:
                with cut_off_after(CUT_OFF_S, connection), connection:
                    with connection.cursor() as cursor:
                        cursor.execute(HABITS)
                    with connection.cursor("touches") as cursor:
                        cursor.itersize = ROWS_AT_ONCE
                        cursor.execute(statement("touches_of_late"), values)
                        for row in cursor:
                            yield Touch(*row)
            finally:
                self._connection = None
                connection.close()

    def _complain(self, why: str) -> None:
        if self._stopping.is_set():
            return
        FAILURES.inc()
        if not self._has_complained:
            log.warning("recommendations could not be made anew, will try again: %s", why)
        self._has_complained = True

    def _age_s(self) -> float:
        latest = self._latest
        return float("nan") if latest is None else (self._now() - latest.as_of).total_seconds()


def pause_after(took_s: float, least_s: float) -> float:
    """Seconds until the next making, so that no more than `SHARE_OF_TIME` goes into it."""
    return max(least_s, took_s / SHARE_OF_TIME - took_s)
