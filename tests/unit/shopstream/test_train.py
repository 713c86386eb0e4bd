"""Training on simulated shoppers: through ingest's own mapping, told as it goes, the same twice."""

from pathlib import Path

from models.serving import Scorer
from shopstream.train import simulated_events, train_default

VISITS = 1_500


def test_simulated_visits_become_events_of_their_own_time() -> None:
    events = list(simulated_events(20, seed=1))
    assert events == list(simulated_events(20, seed=1))
    assert len({event.message_id for event in events}) == len(events)
    assert {"page_view", "view_item"} <= {event.event_name for event in events}
    assert all(event.occurred_at <= event.received_at for event in events)


def test_it_writes_a_model_that_can_be_served(tmp_path: Path) -> None:
    told: list[int] = []
    card = train_default(tmp_path, seed=3, visit_count=VISITS, advance=told.append)
    assert sum(told) == VISITS
    assert Scorer.load(tmp_path).card == card
    assert card.data.name.startswith("simulated")
    assert card.forest.seed == 3
