"""Training on simulated shoppers: through ingest's own mapping, told as it goes, the same twice."""

from datetime import timedelta
from pathlib import Path

from models.examples import Example
from models.serving import Scorer
from models.tables import table_of
from shopstream.train import before, simulated_events, train_default
from tests.factories import DAY, features

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


def test_of_the_sessions_after_a_day_nothing_is_learnt_not_even_their_kind() -> None:
    days = [features(DAY + timedelta(days=day), session_id=f"day {day}", event_count=9) for day in range(3)]
    table = table_of(Example(state, False, state.session_id, state.started_at) for state in days)
    known = before(table, DAY + timedelta(days=2))
    assert len(known) == 2
    assert [visit.session_id for visit in known.visits] == ["day 0", "day 1"], "the personas' visits end there too"
