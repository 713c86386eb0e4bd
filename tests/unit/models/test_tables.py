"""Examples as columns: a session is one visit of the personas, wherever a batch of examples ends."""

from datetime import timedelta

from models.examples import Example
from models.tables import BATCH, joined, table_of
from tests.factories import DAY, features


def states(session: str, lengths: range) -> list[Example]:
    """A session's examples, one after each of so many events."""
    return [
        Example(
            features(DAY, DAY + timedelta(seconds=length), session_id=session, event_count=length),
            buys_later=False,
            visitor_id=session,
            started_at=DAY,
        )
        for length in lengths
    ]


def test_a_session_that_two_batches_share_is_one_visit_in_its_newest_state() -> None:
    shared = states("shared", range(9, 19))
    others = [example for number in range(BATCH - 5) for example in states(f"other-{number}", range(1, 2))]
    table = table_of([*others, *shared])
    assert [(visit.session_id, visit.event_count) for visit in table.visits] == [("shared", 18)]


def test_the_visits_do_not_depend_on_how_the_examples_were_shared_out() -> None:
    one, other = states("one", range(8, 12)), states("other", range(8, 30))
    together = table_of([*one, *other])
    assert joined([table_of(other), table_of(one)]).visits == together.visits
    assert joined([table_of(one), table_of(other[:9]), table_of(other[9:])]).visits == together.visits
