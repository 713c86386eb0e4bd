"""A trained model on its way into a folder: two files that belong together."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from models.card import CARD_FILE, MODEL_FILE, Card
from models.serving import Scorer


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model: the bytes of `likelihood.onnx` and its card. `forest` is scikit-learn's own, to compare with; it is never saved."""

    onnx: bytes
    card: Card
    forest: Any = field(repr=False)

    def save(self, folder: Path) -> None:
        """Write both files; the card last, so that a folder with a card is whole, and a model that was there stays until both are written."""
        folder.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(self.card), indent=2)
        contents = {MODEL_FILE: self.onnx, CARD_FILE: text + b"\n"}
        parts = {name: folder / f".{name}.part" for name in contents}
        try:
            for name, content in contents.items():
                parts[name].write_bytes(content)
            for name, part in parts.items():
                part.replace(folder / name)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)

    def scorer(self) -> Scorer:
        return Scorer(self.card, self.onnx)
