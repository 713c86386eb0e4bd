"""Hop 5. Session features in, the same likelihood for everyone out: what is said while no model can be served."""

from collections.abc import Sequence
from typing import Final

from contracts.features import SessionFeatures
from models import styles
from models.card import Card
from models.features import matrix
from models.personas import AVERAGE
from models.serving import SURE, Scores
from models.styles import StyleScorer

TYPICAL_RATE: Final = 0.025
"""Share of a shop's sessions that buy, where nothing is known of the shop."""
BECAUSE: Final = ("no model can be served: this is how many sessions buy in general",)


class Prior:
    """Scores without a model: calibrated over all sessions, and blind to each. Its scores say that they are a prior."""

    def __init__(self, rate: float) -> None:
        self._rate = min(max(rate, SURE), 1.0 - SURE)
        self._styles = StyleScorer(styles.DEFAULT)
        self.version: Final = f"prior-{self._rate:.4f}"

    def score(self, sessions: Sequence[SessionFeatures]) -> list[Scores]:
        """One of the same for each session; the style needs no model and is the session's own."""
        found = [self._styles.score(row) for row in matrix(sessions).tolist()] if sessions else []
        return [
            Scores(
                likelihood=round(self._rate, 6),
                persona=AVERAGE,
                persona_confidence=0.2,
                style=style,
                style_confidence=confidence,
                because=BECAUSE,
                model_version=self.version,
                is_prior=True,
            )
            for style, confidence in found
        ]


def rate_of(card: Card | None) -> float:
    """The share of buying sessions that a card tells of its shop, also when its model cannot be served."""
    if card is None or not card.data.sessions or not card.data.buying_sessions:
        return TYPICAL_RATE
    return card.data.buying_sessions / card.data.sessions
