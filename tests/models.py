"""Models for tests: the one that ships, changed so that its scores are told apart."""

from pathlib import Path

import msgspec

from models.card import CARD_FILE, MODEL_FILE, Calibration, Card
from models.golden import golden_sessions
from models.serving import DEFAULT_FOLDER, Scorer


def model_in(folder: Path, version: str, *, likelihood: float | None = None, **fields: object) -> Path:
    """A folder with the model that ships, under another version; it says `likelihood` of everyone, where that is given."""
    shipped = Scorer.load()
    onnx = (DEFAULT_FOLDER / MODEL_FILE).read_bytes()
    card: Card = msgspec.structs.replace(shipped.card, model_version=version, golden=())
    if likelihood is not None:
        flat = Calibration(raw=(0.5,), probability=(likelihood,))
        card = msgspec.structs.replace(card, calibration=flat, likelihood_after_purchase=likelihood)
    golden = tuple(each.likelihood for each in Scorer(card, onnx).score(golden_sessions()))
    card = msgspec.structs.replace(card, golden=golden)
    card = msgspec.structs.replace(card, **fields)
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(onnx)
    (folder / CARD_FILE).write_bytes(msgspec.json.encode(card))
    return folder
