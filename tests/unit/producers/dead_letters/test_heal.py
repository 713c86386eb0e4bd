"""A dead letter with its fix is read as ingest reads, and stays the event that it was: its id, its sender, its arrival."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.codec import DEAD_LETTER_DECODER, ENCODER
from contracts.dead_letters import DeadLetter
from contracts.events import Event
from producers.dead_letters.fix import fix_of
from producers.dead_letters.fix_errors import Unfixable
from producers.dead_letters.heal import Reading, call_in, call_type_of, healed
from producers.ingest.accept import event_of_bytes
from producers.ingest.privacy import Privacy
from producers.ingest.records import MAX_RAW_BYTES, dead_letter_of
from producers.ingest.rejections import Rejection
from producers.ingest.write_keys import DEMO, LOCAL
from runtime.settings import IngestSettings
from tests.factories import at, dead_letter, event
from tests.google_events import PAGE, common, encoded, measurement
from tests.hostile.rubbish import ANY
from tests.ingest_shop import NOON, Shop
from tests.shopify_events import event as shopify_event
from tests.unit.producers.ingest.test_snowplow import TP2
from tests.unit.producers.ingest.test_snowplow import event as snowplow_event

READING = Reading(LOCAL, max_event_bytes=32_768)
CALL = {"type": "track", "event": "add_to_cart", "anonymousId": "ada", "properties": {"value": "12,50"}}


def refused(call: Any, path: str = "/v1/batch") -> DeadLetter:
    """The dead letter that ingest makes of a call."""
    raw = call if isinstance(call, bytes) else json.dumps(call).encode()
    verdict = event_of_bytes(raw, write_key=DEMO, received_at=at("12:00"), max_bytes=32_768)
    assert isinstance(verdict, Rejection)
    return dead_letter_of(verdict, raw, write_key=DEMO, received_at=at("12:00"), path=path)


def after(letter: DeadLetter, fix: str = "") -> Event | Rejection | Unfixable:
    return healed(letter, call_in(letter), fix_of(fix), READING).verdict


def event_after(letter: DeadLetter, fix: str = "") -> Event:
    verdict = after(letter, fix)
    assert isinstance(verdict, Event), verdict
    return verdict


def test_a_fixed_call_is_the_event_that_ingest_would_have_made_of_it() -> None:
    letter = refused({**CALL, "messageId": "m1", "timestamp": "2026-03-02T11:59:00Z"})
    told = event_after(letter, "number properties.value")
    assert (told.message_id, told.write_key, told.properties.value) == ("m1", "demo", 12.5)
    assert (told.occurred_at, told.received_at) == (at("11:59"), at("12:00"))


def test_a_fix_may_put_the_number_where_true_stood() -> None:
    letter = refused({**CALL, "properties": {"value": True}})
    assert event_after(letter, "set properties.value = 1").properties.value == 1


def test_a_snowplow_event_that_could_not_be_read_is_fixed_as_it_is_and_read_then() -> None:
    shop = Shop()
    shop.post(TP2, {"schema": "x", "data": [snowplow_event("pv", cx="no base64!", url="https://shop.example/lamp")]})
    (letter,) = shop.dead_letters
    unread = after(letter)
    assert isinstance(unread, Rejection)
    assert unread.message == letter.message
    told = event_after(letter, "drop cx")
    assert (told.message_id, told.visitor_id, told.event_name) == ("e1", "ada", "page_view")
    assert (told.context.page_path, told.occurred_at) == ("/lamp", NOON)


def test_a_shopify_event_that_could_not_be_read_is_fixed_as_it_is_and_read_then() -> None:
    shop = Shop()
    shop.post("/v1/shopify?writeKey=demo", shopify_event("page_viewed", customData="none"))
    (letter,) = shop.dead_letters
    told = event_after(letter, "drop customData")
    shop.post("/v1/shopify?writeKey=demo", shopify_event("page_viewed"))
    assert (told.message_id, told.event_name) == (shop.events[0].message_id, "page_view")
    assert told.context.page_path == shop.events[0].context.page_path == "/lamp"


def test_a_google_analytics_event_that_could_not_be_read_is_fixed_as_it_is_and_read_then() -> None:
    shop = Shop()
    shop.post("/v1/ga4?writeKey=demo", common("add_to_cart", event_name=None, params=3, value=51))
    shop.post("/mp/collect?measurement_id=demo", measurement({"name": "add_to_cart", "params": [51]}))
    first, second = shop.dead_letters
    forwarded = event_after(first, 'drop params; set event_name = "add_to_cart"')
    measured = event_after(second, "drop params; set value = 51")
    assert (forwarded.event_name, forwarded.properties.value, forwarded.context.page_path) == (
        "add_to_cart",
        51,
        "/lamp",
    )
    assert (measured.event_name, measured.properties.value) == ("add_to_cart", 51)
    assert measured.visitor_id == "1257382463.1695261066"
    assert [forwarded.message_id, measured.message_id] == [letter.message_id for letter in shop.dead_letters]


def test_a_gtag_event_that_was_refused_keeps_its_id_whatever_the_fix() -> None:
    shop = Shop()
    shop.post("/g/collect?" + encoded(PAGE), b"en=page_view\nen=purchase&epn.value=12,50&cu=EUR")
    (letter,) = shop.dead_letters
    told = event_after(letter, "number properties.value")
    assert (told.event_name, told.properties.value, told.message_id) == ("purchase", 12.5, letter.message_id)
    assert told.context.page_path == shop.events[0].context.page_path == "/lamp"


def test_a_large_order_of_google_analytics_is_fixed_as_it_would_have_been_taken() -> None:
    shop = Shop()
    items = [{"item_id": f"sku-{place}", "item_name": "x" * 200, "price": 1} for place in range(200)]
    shop.post("/v1/ga4?writeKey=demo", common("purchase", value="12,50", items=items))
    (letter,) = shop.dead_letters
    assert len(event_after(letter, "number properties.value").properties.items) == 200


def test_without_an_id_of_the_sender_every_fix_gives_the_id_that_the_call_had_as_it_came() -> None:
    letter = refused(CALL)
    ids = {event_after(letter, fix).message_id for fix in ("number properties.value", "drop properties.value")}
    assert ids == {letter.message_id}


def test_an_id_that_cannot_be_kept_is_dropped_and_the_new_one_depends_on_the_dead_letter_alone() -> None:
    letter = refused({**CALL, "messageId": "m" * 200})
    first, second = (event_after(letter, f"drop messageId; set properties.value = {value}") for value in (1, 2))
    assert first.message_id == second.message_id
    assert len(first.message_id) == 32


def test_calls_that_shared_one_id_are_events_of_their_own_once_it_is_dropped() -> None:
    letters = [refused({**CALL, "messageId": "always-this", "event": name}) for name in ("add_to_cart", "purchase")]
    ids = {event_after(letter, "drop messageId; number properties.value").message_id for letter in letters}
    assert len(ids - {"always-this"}) == 2


def test_a_call_that_is_refused_consent_meanwhile_hides_its_id_as_ingest_would() -> None:
    careful = READING._replace(privacy=Privacy(IngestSettings(require_consent=True)))
    letter = refused({**CALL, "messageId": "m1"})
    told = healed(letter, call_in(letter), fix_of("number properties.value"), careful).verdict
    assert isinstance(told, Event)
    assert (told.consent, told.message_id) == ("refused", careful.privacy.message_id("demo", "m1"))


def test_what_is_still_wrong_is_said_in_ingests_words() -> None:
    assert after(refused(CALL)) == Rejection(
        code="schema",
        message="properties.value must be a number",
        message_id=refused(CALL).message_id,
        visitor_id="ada",
    )


def test_a_request_path_says_what_its_call_is() -> None:
    letter = refused({"anonymousId": "ada", "event": {"name": "view_item"}}, path="/v1/t")
    assert event_after(letter, "rename event.name -> event").event_name == "view_item"
    assert [call_type_of(path) for path in ("/v1/page", "/v1/i", "/v1/batch", "/v1/b", "/batch", "")] == [
        "page",
        "identify",
        None,
        None,
        None,
        None,
    ]


def test_a_write_key_that_is_gone_cannot_be_guessed() -> None:
    letter = msgspec.structs.replace(refused(CALL), write_key="gone")
    assert "write key gone is not known here" in str(after(letter, "drop properties"))


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        (dead_letter(raw=b"\xff not json"), "cannot be read"),
        (dead_letter(raw=b'{"a": "' + b"x" * (MAX_RAW_BYTES - 7)), "only the first 524288 of its bytes were kept"),
        (dead_letter(raw=b"[]"), "no object"),
        (dead_letter(raw=b'{"batch": [{"type": "page"}]}'), "a whole batch"),
        (dead_letter(raw=b"{}", stage="score", source="session-features/0/1"), "the step that sent it makes it again"),
    ],
)
def test_bytes_that_no_fix_can_heal_say_why(letter: DeadLetter, words: str) -> None:
    with pytest.raises(Unfixable, match=words):
        call_in(letter)


def test_a_record_of_events_that_a_later_step_could_not_read_heals_too() -> None:
    record = ENCODER.encode(event("page_view", message_id="m1")).replace(b'"message_id"', b'"id"')
    letter = dead_letter(raw=record, stage="sessionize", code="undecodable", source="events/0/1", write_key=None)
    assert after(letter).code == "schema"  # type: ignore[union-attr]
    assert event_after(letter, "rename id -> message_id").message_id == "m1"


PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1"


def sent(*calls: Any, **envelope: Any) -> Shop:
    """What ingest makes of a batch."""
    shop = Shop()
    body = {"batch": calls, "writeKey": "demo", **envelope}
    assert shop.post("/v1/batch", body, User_Agent=PHONE).status == 200
    return shop


def test_what_the_batch_said_still_holds_for_a_call_that_is_fixed() -> None:
    call = {**CALL, "messageId": "m1", "timestamp": "2026-03-02T08:59:00Z"}  # by a clock three hours slow
    envelope = {"sentAt": "2026-03-02T09:00:00Z", "context": {"page": {"title": "Lamp"}, "locale": "fr-FR"}}
    (letter,) = sent(call, **envelope).dead_letters
    (good,) = sent({**call, "properties": {"value": 12.5}}, **envelope).events
    told = event_after(letter, "number properties.value")
    assert told == good
    assert told.occurred_at == at("11:59")
    assert (told.context.page_title, told.context.device_type) == ("Lamp", "mobile")


@given(sent_at=ANY, timestamp=ANY, context=ANY, own=st.dictionaries(st.sampled_from(["page", "userAgent"]), ANY))
@example(sent_at=None, timestamp=None, context=None, own={"userAgent": "?"})
@settings(max_examples=50, deadline=None)
def test_whatever_the_batch_said_the_fixed_call_is_what_the_right_one_would_have_been(
    sent_at: Any, timestamp: Any, context: Any, own: dict[str, Any]
) -> None:
    envelope = {"sentAt": sent_at, "timestamp": timestamp, "context": context}
    (letter,) = sent({**CALL, "messageId": "m1", "context": own}, **envelope).dead_letters
    again = DEAD_LETTER_DECODER.decode(ENCODER.encode(letter))
    if events := sent({**CALL, "messageId": "m1", "context": own, "properties": {"value": 12.5}}, **envelope).events:
        assert event_after(again, "number properties.value") == events[0]


def test_a_context_beyond_the_bound_is_not_copied_into_every_dead_letter() -> None:
    shop = sent(*[1] * 100, sentAt="2026-03-02T09:00:00Z", context={"note": "x" * 30_000})
    assert {len(record.value) < 1_500 for record in shop.publisher.records} == {True}
    assert {letter.envelope and letter.envelope.sent_at for letter in shop.dead_letters} == {"2026-03-02T09:00:00Z"}


def test_a_dead_letter_from_before_envelopes_were_kept_is_read_as_before() -> None:
    letter = msgspec.structs.replace(refused(CALL), envelope=None)
    assert event_after(letter, "number properties.value").occurred_at == at("12:00")
