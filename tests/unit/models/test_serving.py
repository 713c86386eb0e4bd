"""Serving: what does not match is refused with advice, a batch changes nothing, and training stays outside."""

import errno
import math
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from contracts.decisions import Persona
from contracts.features import SessionFeatures
from models.artifact import Artifact
from models.card import CARD_FILE, MODEL_FILE, Calibration
from models.examples import Example
from models.knowledge import EARLIER_SYSTEM
from models.serving import ALREADY_BOUGHT, SURE, ModelMismatch, Scorer, calibrator, onnx_digest
from models.styles import STYLES
from tests.factories import features
from tests.models import model_in


def changed(artifact: Artifact, folder: Path, **fields: object) -> Path:
    """A folder with the artifact, its card altered."""
    artifact.save(folder)
    card = msgspec.structs.replace(artifact.card, **fields)
    (folder / CARD_FILE).write_bytes(msgspec.json.encode(card))
    return folder


def test_a_model_that_was_there_stays_when_the_disk_is_full_before_the_new_one_is_written(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_in(tmp_path / "model", "older-1")
    write_bytes = Path.write_bytes

    def written_until_full(path: Path, content: bytes) -> int:
        write_bytes(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", written_until_full)
    with pytest.raises(OSError, match="No space left"):
        artifact.save(folder)
    assert Scorer.load(folder).card.model_version == "older-1"
    assert sorted(each.name for each in folder.iterdir()) == [CARD_FILE, MODEL_FILE]


def test_a_saved_model_scores_as_before(artifact: Artifact, sessions: list[SessionFeatures], tmp_path: Path) -> None:
    artifact.save(tmp_path)
    assert Scorer.load(tmp_path).score(sessions) == artifact.scorer().score(sessions)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 257])
def test_a_score_is_bit_equal_in_whatever_batch(scorer: Scorer, sessions: list[SessionFeatures], size: int) -> None:
    alone = [scorer.score([session])[0] for session in sessions[:257]]
    batches = [scorer.score(sessions[start : start + size]) for start in range(0, 257, size)]
    assert [score for batch in batches for score in batch][:257] == alone


def test_calibration_is_straight_lines_between_its_points_and_flat_outside(artifact: Artifact) -> None:
    points = artifact.card.calibration
    calibrate = calibrator(points)
    raws = np.linspace(-0.1, 1.1, 1_001)
    expected = np.interp(raws, points.raw, np.clip(points.probability, SURE, 1 - SURE))
    np.testing.assert_allclose([calibrate(raw, 1.0) for raw in raws.tolist()], expected, atol=1e-6)


def test_a_calibration_of_one_point_is_that_probability() -> None:
    calibrate = calibrator(Calibration(raw=(0.2,), probability=(0.3,)))
    assert [calibrate(raw, math.nan) for raw in (0.0, 0.2, 1.0)] == [0.3, 0.3, 0.3]


def test_nothing_to_score_is_no_scores(scorer: Scorer) -> None:
    assert scorer.score([]) == []


def test_every_score_is_in_its_range_and_explained(scorer: Scorer, sessions: list[SessionFeatures]) -> None:
    for score in scorer.score(sessions):
        assert SURE <= score.likelihood <= 1 - SURE
        assert 0.2 <= score.persona_confidence <= 1
        assert score.style in STYLES
        assert 1 <= len(score.because) <= 3
        assert all(reason[:2] in ("+ ", "- ") for reason in score.because)
        assert score.model_version == scorer.card.model_version


def test_a_fuller_cart_never_lowers_the_likelihood(scorer: Scorer, sessions: list[SessionFeatures]) -> None:
    fuller = [
        msgspec.structs.replace(
            each,
            add_to_cart_count=each.add_to_cart_count + 1,
            cart_item_count=each.cart_item_count + 1,
            cart_value=each.cart_value + 25.0,
        )
        for each in sessions
    ]
    before = np.array([score.likelihood for score in scorer.score(sessions)])
    after = np.array([score.likelihood for score in scorer.score(fuller)])
    assert (after >= before).all()
    assert (after > before).mean() > 0.5


def test_after_a_purchase_the_likelihood_is_the_share_that_bought_again(scorer: Scorer) -> None:
    score = scorer.score([features(event_count=20, purchase_count=1, revenue=50.0, checkout_step_count=3)])[0]
    assert score.likelihood == scorer.card.likelihood_after_purchase
    assert score.because == (ALREADY_BOUGHT,)


def test_fields_that_may_not_be_believed_change_nothing(scorer: Scorer) -> None:
    empty = features("12:00", "12:05", page_count=4, cart_value=30.0)
    noisy = msgspec.structs.replace(empty, checkout_step_count=3, product_view_count=9, channel="email")
    assert scorer.score([empty], known=EARLIER_SYSTEM) == scorer.score([noisy], known=EARLIER_SYSTEM)
    assert scorer.score([empty]) != scorer.score([noisy])


def test_a_model_of_other_features_is_refused_by_their_names(artifact: Artifact, tmp_path: Path) -> None:
    folder = changed(artifact, tmp_path, features=("mood", *artifact.card.features[1:]), features_digest="0" * 16)
    with pytest.raises(ModelMismatch, match=r"wants mood.*has never seen event_count.*retrain"):
        Scorer.load(folder)


def test_the_same_names_in_another_order_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    folder = changed(artifact, tmp_path, features_digest="0" * 16)
    with pytest.raises(ModelMismatch, match="another order"):
        Scorer.load(folder)


def test_two_halves_of_different_models_are_refused(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path)
    (tmp_path / MODEL_FILE).write_bytes(artifact.onnx + b" ")
    with pytest.raises(ModelMismatch, match="copy both files"):
        Scorer.load(tmp_path)


def test_a_model_with_other_reasons_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="other reasons"):
        Scorer.load(changed(artifact, tmp_path, reasons=("luck",)))


def test_a_style_rule_on_no_feature_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    signal = msgspec.structs.replace(artifact.card.styles.signals[0], feature="mood")
    styles = msgspec.structs.replace(artifact.card.styles, signals=(signal,))
    with pytest.raises(ModelMismatch, match="reads mood, which is no feature"):
        Scorer.load(changed(artifact, tmp_path, styles=styles))


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="shopstream train"):
        Scorer.load(tmp_path)


def test_a_card_that_is_no_card_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path)
    for damaged in (b'{"model_version": 1}', b'{"model_version": "\xff"}'):
        (tmp_path / CARD_FILE).write_bytes(damaged)
        with pytest.raises(ModelMismatch, match="not a model card"):
            Scorer.load(tmp_path)


def test_bytes_that_are_no_onnx_are_refused(artifact: Artifact) -> None:
    card = msgspec.structs.replace(artifact.card, onnx_digest=onnx_digest(b"nonsense"))
    with pytest.raises(ModelMismatch, match="cannot be loaded"):
        Scorer(card, b"nonsense")


def test_serving_imports_nothing_of_training() -> None:
    code = (
        "import sys, models.decide, models.predict, models.serving; "
        "print([name for name in ('sklearn', 'scipy', 'pandas', 'onnx', 'skl2onnx', 'joblib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_training_data_is_not_needed_to_serve(examples: list[Example], scorer: Scorer) -> None:
    personas: set[Persona] = {score.persona for score in scorer.score([each.features for each in examples[:300]])}
    assert len(personas) >= 3
