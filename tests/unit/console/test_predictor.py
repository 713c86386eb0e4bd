"""`/api/predict` answers by the champion, also by one that is promoted while the console runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.serve import predictor
from contracts.http import PredictRequest
from models.registry import Registry
from runtime.settings import ProcessSettings
from tests.models import model_in

ASKED = PredictRequest(
    session_id="s1", time_on_site=60.0, pages_visited=3, cart_value=20.0, previous_purchases=0, device_type="desktop"
)


def test_a_promoted_model_answers_a_second_later_and_a_bad_one_never(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    registry.add(model_in(tmp_path / "a", "calm-1", likelihood=0.11))
    predict = predictor(ProcessSettings(registry_dir=str(registry.folder)))
    assert predict is not None
    now = datetime.now(UTC)
    assert predict(ASKED, now).model_version.startswith("forest-")
    registry.promote("calm-1", by="ada", at=now)
    answer = predict(ASKED, now + timedelta(seconds=2))
    assert (answer.model_version, answer.prediction.probability) == ("calm-1", 0.11)
    registry.state_file.write_text("{")
    assert predict(ASKED, now + timedelta(seconds=4)).model_version == "calm-1"


def test_without_a_fit_model_nothing_is_predicted(tmp_path: Path) -> None:
    assert predictor(ProcessSettings(model_dir=str(tmp_path))) is None
