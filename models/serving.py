"""Hop 5. Session features in, scores out: likelihood, persona and style, with reasons and the model's version.

A model is a folder of two files: `likelihood.onnx` and `card.json`. Nothing here imports the libraries of training.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from contracts.decisions import Persona, Style
from contracts.features import SessionFeatures
from models.card import CARD_FILE, MODEL_FILE, Calibration, Card
from models.features import NAMES, Row, definition_digest, known_columns, matrix
from models.personas import TRAITS, PersonaScorer
from models.reasons import REASONS, because
from models.styles import StyleScorer

DEFAULT_FOLDER: Final = Path(__file__).parent / "default"
EVENT_COUNT: Final = NAMES.index("event_count")
SURE: Final = 1e-4
"""A likelihood stays this far from 0 and 1: no finite experience makes anything certain."""
ALREADY_BOUGHT: Final = "- has already bought in this session"


class ModelMismatch(ValueError):
    """The model in a folder cannot be served by this version of Shopstream; the text says why and what to do."""


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """What the model says of one session. `likelihood` is the calibrated probability that it still buys."""

    likelihood: float
    persona: Persona
    persona_confidence: float
    style: Style
    style_confidence: float
    because: tuple[str, ...]
    model_version: str
    is_prior: bool = False
    """No model could be served: the likelihood is the same for everyone, and nothing may be offered because of it."""
    challenger_version: str | None = None
    challenger_likelihood: float | None = None
    """What the challenger says, where one runs in the champion's shadow; nothing is decided by it."""


class Scorer:
    """A loaded model. Safe to share between threads."""

    def __init__(self, card: Card, onnx: bytes) -> None:
        """Raises `ModelMismatch`."""
        _require_match(card, onnx)
        self.card = card
        self._session = _onnx_session(onnx)
        self._missing = np.float32(card.missing)
        self._calibrate = calibrator(card.calibration)
        self._after_purchase = min(max(card.likelihood_after_purchase, SURE), 1.0 - SURE)
        self._personas = PersonaScorer(card.personas)
        self._styles = StyleScorer(card.styles)

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """The model in `folder`, by default the one that ships with Shopstream. Raises `ModelMismatch`."""
        folder = folder or DEFAULT_FOLDER
        try:
            card = msgspec.json.decode((folder / CARD_FILE).read_bytes(), type=Card)
            onnx = (folder / MODEL_FILE).read_bytes()
        except OSError as error:
            raise ModelMismatch(
                f"no model in {folder}: {error.strerror} ({error.filename}); "
                f"`shopstream train --out {folder}` makes one, an empty SHOPSTREAM_PROCESS_MODEL_DIR means the one that ships"
            ) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ModelMismatch(f"{folder / CARD_FILE} is not a model card: {error}; retrain the model") from error
        return cls(card, onnx)

    def score(
        self,
        sessions: Sequence[SessionFeatures],
        *,
        known: frozenset[str] | None = None,
        rows: Row | None = None,
    ) -> list[Scores]:
        """Scores of a batch, in its order. A session's scores do not depend on the others in the batch.

        `known` names the fields of `SessionFeatures` that may be believed, where not all of them were measured.
        `rows` is their `matrix`, for callers that need it too.
        """
        if not sessions:
            return []
        rows = matrix(sessions) if rows is None else rows
        if known is not None:
            rows[:, ~known_columns(known)] = np.nan
        output = self._outputs(rows)
        credits = output[:, 1:]
        likelihoods = self._calibrated(output, rows)
        orders = np.abs(credits).argsort(axis=1, kind="stable")[:, ::-1].tolist()
        version, persona_of, style_of = self.card.model_version, self._personas.score, self._styles.score
        scores = []
        for features, row, likelihood, credit, order in zip(
            sessions, rows.tolist(), likelihoods, credits.tolist(), orders, strict=True
        ):
            persona, persona_confidence = persona_of(features, known)
            style, style_confidence = style_of(row)
            reasons = because(features, credit, order, known)
            if features.purchase_count:  # the forest only knows sessions before their first purchase
                likelihood, reasons = self._after_purchase, (ALREADY_BOUGHT,)
            scores.append(
                Scores(
                    likelihood=likelihood,
                    persona=persona,
                    persona_confidence=persona_confidence,
                    style=style,
                    style_confidence=style_confidence,
                    because=reasons,
                    model_version=version,
                )
            )
        return scores

    def live_likelihoods(self, sessions: Sequence[SessionFeatures], rows: Row) -> list[float]:
        """The likelihoods that `score` would give, and nothing else; `rows` is the sessions' `matrix`."""
        return [
            self._after_purchase if features.purchase_count else likelihood
            for features, likelihood in zip(sessions, self._calibrated(self._outputs(rows), rows), strict=True)
        ]

    def credits(self, rows: Row) -> NDArray[np.float64]:
        """By how much each of `REASONS` moves the raw output, a row for each row; with a constant they add up to `raw`."""
        return self._outputs(rows)[:, 1:].astype(np.float64)

    def raw(self, rows: Row) -> NDArray[np.float64]:
        """The forest's own output for rows made by `models.features.matrix`, before calibration."""
        return self._outputs(rows)[:, 0].astype(np.float64)

    def likelihoods(self, rows: Row) -> NDArray[np.float64]:
        """Calibrated probabilities of rows made by `models.features.matrix`."""
        return np.array(self._calibrated(self._outputs(rows), rows))

    def _calibrated(self, output: Row, rows: Row) -> list[float]:
        return [
            self._calibrate(raw, events)
            for raw, events in zip(output[:, 0].tolist(), rows[:, EVENT_COUNT].tolist(), strict=True)
        ]

    def _outputs(self, rows: Row) -> Row:
        filled = np.where(np.isnan(rows), self._missing, rows)
        output: Row = self._session.run(None, {"features": filled})[0]
        return output


def calibrator(calibration: Calibration) -> Callable[[float, float], float]:
    """The function of raw output and number of events that a calibration describes, kept away from 0 and 1."""
    raw = calibration.raw
    probability = tuple(min(max(each, SURE), 1.0 - SURE) for each in calibration.probability)
    # One line a piece, and a flat one at each end. A plain bisection costs less than numpy's call does, alone and in a batch.
    slopes = [0.0]
    for (x, y), (next_x, next_y) in pairwise(zip(raw, probability, strict=True)):
        slopes.append((next_y - y) / (next_x - x) if next_x > x else 0.0)
    slopes.append(0.0)
    starts = ((raw[0], probability[0]), *zip(raw, probability, strict=True))

    by_length = calibration.by_length

    def calibrate(value: float, events: float) -> float:
        if by_length is not None and events >= 1:  # false where it is unknown
            n = min(math.log(events), by_length.longest)
            odds = by_length.start + by_length.slope * value
            odds += n * (by_length.length + by_length.length_slope * value + by_length.length_squared * n)
            return round(min(max(1.0 / (1.0 + math.exp(-max(odds, -30.0))), SURE), 1.0 - SURE), 6)
        piece = bisect_right(raw, value)
        x, y = starts[piece]
        return round(y + slopes[piece] * (value - x), 6)

    return calibrate


def onnx_digest(onnx: bytes) -> str:
    return blake2b(onnx, digest_size=16).hexdigest()


def _require_match(card: Card, onnx: bytes) -> None:
    version = card.model_version
    if card.features_digest != definition_digest():
        changes = []
        if unknown := [name for name in card.features if name not in NAMES]:
            changes.append(f"wants {', '.join(unknown)}, which this version does not make")
        if unseen := [name for name in NAMES if name not in card.features]:
            changes.append(f"has never seen {', '.join(unseen)}")
        raise ModelMismatch(
            f"model {version} was trained on another definition of the features "
            f"({'; it '.join(changes) or 'the same names with other meanings or in another order'}); "
            "retrain it with `shopstream train`, or run the version of Shopstream it was trained with"
        )
    if card.onnx_digest != onnx_digest(onnx):
        raise ModelMismatch(
            f"{MODEL_FILE} is not the file that the card of model {version} describes; copy both files of a model together"
        )
    names = tuple(reason.name for reason in REASONS)
    traits = tuple(trait.name for trait in TRAITS)
    if card.reasons != names or card.personas.traits != traits:
        raise ModelMismatch(
            f"model {version} explains itself by other reasons or persona traits than this version; "
            "retrain it with `shopstream train`"
        )
    if missing := sorted({signal.feature for signal in card.styles.signals} - set(NAMES)):
        raise ModelMismatch(
            f"the style rule of model {version} reads {', '.join(missing)}, which is no feature; correct it in {CARD_FILE}"
        )


def _onnx_session(onnx: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    # A row takes microseconds: waking or spinning other threads costs more than it saves.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own kinds, none of them exported
        raise ModelMismatch(f"{MODEL_FILE} cannot be loaded: {error}; retrain the model") from error
