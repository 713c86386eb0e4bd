"""Hop 5. Session features in, scores out, by the models in force now: the champion's, with the challenger's beside them.

The registry is followed while events flow: a promoted model scores from the next poll on, a bad one is refused and told.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from contracts.features import SessionFeatures
from models.bots import BOT_FROM
from models.drift import COUNTED, DriftMeter
from models.features import Row, matrix
from models.follower import Loading, ModelFollower
from models.prior import Prior
from models.registry import Registry
from models.serving import Scorer, Scores
from runtime.settings import ProcessSettings

log = logging.getLogger(__name__)

LOOK_S: Final = 0.5
"""How often the registry is looked at."""

IN_FORCE: Final = Gauge(
    "process_model_info", "1 for each model in force; digest is of its ONNX file.", ["role", "version", "digest"]
)
RELOADS: Final = Counter("process_model_reloads_total", "Models loaded or refused while following.", ["role", "result"])
REFUSED: Final = Gauge("process_models_refused", "Models that the registry names and this worker cannot serve.")
SHADOW_FAILURES: Final = Counter("process_shadow_failures_total", "Polls that the challenger could not score.")
PSI: Final = Gauge(
    "process_feature_psi", "Population stability index of live states against the training, by feature.", ["feature"]
)
KS: Final = Gauge(
    "process_feature_ks", "Kolmogorov-Smirnov distance of live states from the training, by feature.", ["feature"]
)


@dataclass(frozen=True, slots=True)
class InForce:
    """What scores one poll: models that belong together, and the meter of the champion's drift."""

    champion: Scorer | Prior
    challenger: Scorer | None
    meter: DriftMeter | None


class LiveModels:
    """Scores by the models in force. `score` is the event loop's, `look` may be called from another thread."""

    def __init__(self, follower: ModelFollower, drift_window: timedelta) -> None:
        self._follower = follower
        self._drift_window = drift_window
        self._in_force = self._taken(follower.models.champion, None, None)

    def look(self) -> None:
        """Take over what the registry names now, if it has changed and is fit; the next poll is scored by it."""
        loadings = self._follower.look()
        for each in loadings:
            _tell(each)
        REFUSED.set(len(self._follower.refusals))
        models, before = self._follower.models, self._in_force
        if models.champion is before.champion and models.challenger is before.challenger:
            return
        meter = before.meter if models.champion is before.champion else self._meter_of(models.champion)
        self._in_force = self._taken(models.champion, models.challenger, meter)
        log.info("%s decides, %s in its shadow", _told(models.champion)[0], _told(models.challenger)[0])

    def score(self, sessions: Sequence[SessionFeatures]) -> list[Scores]:
        """The champion's scores of the sessions, in their order; what the challenger says is noted beside them."""
        now = self._in_force
        rows = matrix(sessions)
        if isinstance(now.champion, Prior):
            scores = now.champion.score(sessions)
        else:
            scores = now.champion.score(sessions, rows=rows)
        if now.meter is not None:
            _observe(now.meter, sessions, rows, scores)
        return scores if now.challenger is None else _beside(now.challenger, sessions, rows, scores)

    def tell_drift(self, now: datetime) -> None:
        """Move the window on and set the gauges; a feature of which too little is known has none."""
        meter = self._in_force.meter
        drifts = []
        if meter is not None:
            meter.turn(now)
            drifts = meter.drifts()
        if not drifts:
            PSI.clear()
            KS.clear()
        for each in drifts:
            PSI.labels(each.name).set(each.psi)
            KS.labels(each.name).set(each.ks)

    def _taken(self, champion: Scorer | Prior, challenger: Scorer | None, meter: DriftMeter | None) -> InForce:
        IN_FORCE.clear()
        IN_FORCE.labels("champion", *_told(champion)).set(1)
        if challenger is not None:
            IN_FORCE.labels("challenger", *_told(challenger)).set(1)
        return InForce(champion, challenger, meter)

    def _meter_of(self, champion: Scorer | Prior) -> DriftMeter | None:
        if isinstance(champion, Prior) or not champion.card.bins:
            return None
        meter = DriftMeter(champion.card.bins, self._drift_window)
        meter.turn(datetime.now(UTC))
        return meter


def live_models(process: ProcessSettings) -> LiveModels:
    """The models that the settings name, loaded; the prior where none can be."""
    pinned = Path(process.model_dir) if process.model_dir else None
    follower = ModelFollower(Registry(Path(process.registry_dir)), pinned)
    models = LiveModels(follower, timedelta(minutes=process.drift_window_minutes))
    models.look()
    return models


def _observe(meter: DriftMeter, sessions: Sequence[SessionFeatures], rows: Row, scores: Sequence[Scores]) -> None:
    """Count the states that the bins of training are of: people's, before a purchase, and at the lengths that are counted."""
    places = [
        place
        for place, each in enumerate(sessions)
        if not each.purchase_count and each.event_count in COUNTED and (each.bot_score or 0.0) < BOT_FROM
    ]
    meter.observe(rows[places], [scores[place].likelihood for place in places])


def _beside(
    challenger: Scorer, sessions: Sequence[SessionFeatures], rows: Row, scores: Sequence[Scores]
) -> list[Scores]:
    version = challenger.card.model_version
    try:
        told = challenger.live_likelihoods(sessions, rows)
    except Exception:  # whatever the challenger does, the champion's scores go out
        SHADOW_FAILURES.inc()
        log.exception("the challenger %s cannot score a poll of %d sessions", version, len(sessions))
        return list(scores)
    return [
        replace(each, challenger_version=version, challenger_likelihood=likelihood)
        for each, likelihood in zip(scores, told, strict=True)
    ]


def _tell(loading: Loading) -> None:
    if loading.refused is None:
        RELOADS.labels(loading.role, "loaded").inc()
        log.info("loaded %s as %s", loading.version, loading.role)
    else:
        RELOADS.labels(loading.role, "refused").inc()
        log.error("refused %s as %s, what was in force stays: %s", loading.version, loading.role, loading.refused)


def _told(model: Scorer | Prior | None) -> tuple[str, str]:
    """Version and digest."""
    if model is None:
        return "nothing", ""
    return (model.version, "") if isinstance(model, Prior) else (model.card.model_version, model.card.onnx_digest)
