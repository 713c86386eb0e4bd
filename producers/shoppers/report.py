"""What a run of simulated shoppers is asked to do, and what it did."""

import secrets
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

LATENCIES_KEPT: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopOptions:
    """How many shoppers, how fast, and where to."""

    ingest_url: str
    console_url: str | None = None
    """Where decisions come from; None means that nobody listens."""
    write_key: str = "demo"
    shoppers: int = 10
    """Shoppers in the shop at the same time."""
    count: int | None = None
    """Visits in total; None means until stopped."""
    rate: float | None = None
    """Most visits begun per second."""
    pace: float = 1.0
    """2 halves every pause. At 1 a shopper acts every 0.5 to 3 seconds."""
    broken_share: float = 0.01
    """Share of events sent broken, as a broken tag would."""
    bot_share: float = 0.04
    """Share of visits that are a bot's."""
    streams: int = 100
    """Most decision streams open at the same time."""
    patience_s: float = 15.0
    """How long, once stopped, an unanswered batch is still retried."""
    seed: int = field(default_factory=lambda: secrets.randbits(32))
    """The same seed gives the same visitors, visits and message ids; leave it out for new visitors."""

    @property
    def run_prefix(self) -> str:
        """Every message id of the run begins with it."""
        return f"sim{self.seed:08x}"


@dataclass(slots=True, kw_only=True)
class ShoppersReport:
    """Exact counts of one run. At its end `sent == acknowledged + rejected + failed`."""

    run_prefix: str
    sent: int = 0
    """Distinct events handed to the network, each counted once however often it was retried."""
    acknowledged: int = 0
    """Answered 200 and accepted."""
    rejected: int = 0
    """Answered 200 and refused by a verdict: these are in the dead letters."""
    failed: int = 0
    """Never answered 200: given up after stopping, or refused as a whole request. An answer that was lost leaves it open
    whether the events arrived."""
    retries: int = 0
    visits: int = 0
    """Visits begun."""
    sessions: int = 0
    """Visits of which at least one event was accepted: one session each."""
    purchases: int = 0
    """Accepted purchases."""
    incentives_shown: int = 0
    incentives_accepted: int = 0
    incentives_dismissed: int = 0
    decisions_received: int = 0
    seconds_to_first_decision: float | None = None
    """From the start of the run."""
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    """From the beginning of the POST to the decision that it caused, in the order of arrival; the newest 200,000."""
    problems: Counter[str] = field(default_factory=Counter)
    """What went wrong on the way, and how often."""

    def latency_ms(self, quantile: float) -> float | None:
        """The latency that this share of decisions stayed within."""
        if not self.latencies_ms:
            return None
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
