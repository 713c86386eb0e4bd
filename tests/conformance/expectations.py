"""What every SDK must reach, and the two ways in which one may differ from the others."""

from typing import Final

from contracts import event_names as names
from contracts.events import Item
from tests.conformance.front import WELL, Fault
from tests.conformance.runs import EVENTS_SENT, Run

RETRIED: Final[frozenset[Fault]] = frozenset({"429", "503", "cut"})


def check(run: Run, fault: Fault, delivered: frozenset[Fault]) -> None:
    """The run went as it must: each event stored once, or dropped without asking again."""
    front = run.front
    told = [(request.path, request.status) for request in front.requests]
    assert len(front.sent_ids) == EVENTS_SENT, told
    if fault not in delivered:
        assert front.times_sent() == [1] * EVENTS_SENT, f"sent again: {told}"
        # A cut answer leaves the events with ingest; the SDK just does not know.
        assert run.stored_ids == (front.sent_ids if fault == "cut" else front.delivered_ids)
        return
    assert run.stored_ids == front.sent_ids == front.delivered_ids, told
    assert all(request.status in WELL for request in front.requests[-1:]), told
    if fault == "200":
        assert front.times_sent() == [1] * EVENTS_SENT, f"sent again: {told}"
    elif fault in RETRIED:
        assert max(front.times_sent()) > 1, f"nothing was sent again: {told}"
    if fault != "cut":
        # Even before anyone looks for duplicates.
        assert len(run.stored) == EVENTS_SENT
    check_content(run)


def check_content(run: Run) -> None:
    """The same three events, whoever sent them, in our words."""
    events = {event.event_name: event for event in run.stored}
    assert set(events) == {names.PAGE_VIEW, names.ADD_TO_CART, "Lamp Dimmed"}
    assert len({event.visitor_id for event in run.stored}) == 1
    cart = events[names.ADD_TO_CART].properties
    assert (cart.value, cart.currency, len(cart.items)) == (50.0, "EUR", 1)
    assert isinstance(cart.items[0], Item)
    assert (cart.items[0].item_id, cart.items[0].price, cart.items[0].quantity) == ("sku-1", 25.0, 2.0)
    assert events[names.PAGE_VIEW].context.page_url is not None
    assert all(abs((event.received_at - event.occurred_at).total_seconds()) < 60 for event in run.stored)
