"""The card of a model: everything but the forest itself, as JSON that a person can read."""

import msgspec

from models.drift import FeatureBins
from models.personas import PersonaModel
from models.styles import StyleModel

MODEL_FILE = "likelihood.onnx"
CARD_FILE = "card.json"


class LengthCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Log-odds to log-odds by how many events there are: `start + slope * raw + n * (length + length_slope * raw + length_squared * n)`.

    n is the logarithm of the number of events, at most `longest`. The more events, the more of a session's states were learnt from,
    and the surer trees are of themselves than they should be.
    """

    start: float
    slope: float
    length: float
    length_slope: float
    length_squared: float
    longest: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The forest's raw output to a probability: straight lines between these points, flat outside. Fitted on held-out visitors."""

    raw: tuple[float, ...]
    probability: tuple[float, ...]
    by_length: LengthCurve | None = None
    """Used instead, where there is one and the number of events is known."""


class PrefixMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """How good the likelihood is on test visitors who came later than all training, judged after their first `events` events.

    Test visitors are known as unevenly as those of training (`models/knowledge.py`): of some, all is known; of some, five numbers.
    A figure is null where the test has no buyer or only buyers.
    """

    events: str
    sessions: int
    base_rate: float
    auc: float | None
    pr_auc: float | None
    brier: float
    brier_of_base_rate: float
    ece: float


class DataSource(msgspec.Struct, frozen=True, kw_only=True):
    """What the model learnt from, and whether others may."""

    name: str
    licence: str
    digest: str = ""
    sample_digest: str = ""
    """Of the first examples only, where they can be made again: a cheap way to see that the model is stale."""
    examples: int = 0
    sessions: int = 0
    visitors: int = 0
    buying_sessions: int = 0


class Forest(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of the trees, whichever way they grew: side by side (`forest`) or each on what is left over (`boosting`)."""

    algorithm: str = "forest"
    trees: int
    leaves: int
    max_leaves: int
    min_leaf_examples: int
    seed: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    model_version: str
    onnx_digest: str
    features: tuple[str, ...]
    features_digest: str
    reasons: tuple[str, ...]
    missing: float
    """What stands for an unknown feature in the forest: below every value a feature can take."""
    base: float
    """The forest's raw output before any feature is looked at; base + credits of all reasons = raw output."""
    calibration: Calibration
    likelihood_after_purchase: float
    """Share of sessions that bought again after a purchase: the forest only knows sessions before their first."""
    personas: PersonaModel
    styles: StyleModel
    forest: Forest
    challengers: dict[str, float] = {}
    """Log loss of every algorithm that was tried, on visitors who came later than those it learnt from; the least was chosen."""
    is_refitted: bool = False
    """Whether the trees were grown once more on all visitors after the metrics had been measured on the latest of them.

    The calibration is then from visitors of the whole time, each told by trees that had not seen them.
    """
    data: DataSource
    metrics: tuple[PrefixMetrics, ...]
    made_with: dict[str, str]
    golden: tuple[float, ...] = ()
    """Likelihoods of the sessions of `models/golden.py`: what scores them otherwise is not this model. Empty in an older card."""
    bins: tuple[FeatureBins, ...] = ()
    """What the training saw of each feature and of the score before a purchase, to tell drift by. Empty in an older card."""
