"""Records that cannot be written become dead letters, and their neighbours land."""

import random
from collections.abc import Iterator

import pytest

from contracts.codec import ENCODER
from contracts.events import Event
from stream_processors.persist import DEAD_LETTERS
from tests.factories import dead_letter, decision, event, features
from tests.tables import Tables


@pytest.fixture
def tables(database: str) -> Iterator[Tables]:
    with Tables(database) as tables:
        yield tables


NUL = event("page_view", message_id="nul", title="a\0b")
LONG_KEY = event(
    "page_view", message_id="long", write_key="".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=9000)))
)


@pytest.mark.parametrize("poison", [NUL, LONG_KEY], ids=["nul", "key too long"])
def test_a_row_that_postgres_refuses_is_buried_and_its_neighbours_land(tables: Tables, poison: Event) -> None:
    counted = DEAD_LETTERS.labels("refused_by_postgres")._value.get()
    before = [event(message_id=f"a{n}") for n in range(7)]
    after = [event(message_id=f"b{n}") for n in range(4)]
    tables.write(*before, poison, *after, features(), decision())
    assert tables.rows("select count(*) from events") == [11]
    assert tables.rows("select count(*) from sessions") == tables.rows("select count(*) from predictions") == [1]
    ((stage, code, source, raw),) = tables.rows("select stage, code, source, raw from dead_letter")
    assert (stage, code, source) == ("persist", "refused_by_postgres", "events/0/7")
    assert bytes(raw) == ENCODER.encode(poison)
    assert DEAD_LETTERS.labels("refused_by_postgres")._value.get() == counted + 1


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"not json",
        b'{"message_id":"m1"}',
        ENCODER.encode(event(message_id="m1")).replace(b'"custom":{}', b'"custom":' + b"[" * 30_000 + b"]" * 30_000),
        ENCODER.encode(event(message_id="m1", title="x")).replace(b'"x"', b'"\xff"'),
    ],
    ids=["empty", "not json", "fields missing", "too deep", "not utf-8"],
)
def test_bytes_that_cannot_be_decoded_are_a_dead_letter_and_nothing_stops(tables: Tables, poison: bytes) -> None:
    tables.write(event(), poison, event())
    assert tables.rows("select count(*) from events") == [2]
    assert tables.rows("select stage, code, source from dead_letter") == [("persist", "undecodable", "events/0/1")]
    assert tables.sink.offsets["events", 0] == 3


def test_a_dead_letter_that_quotes_what_postgres_cannot_store_is_stored(tables: Tables) -> None:
    tables.write(dead_letter(message="bad title 'a\0b'", visitor_id="\0"))
    assert tables.rows("select message, visitor_id from dead_letter") == [("bad title 'a␀b'", "␀")]


def test_an_amount_that_no_money_reaches_is_clamped_and_nothing_stops(tables: Tables) -> None:
    tables.write(event(), event("purchase", message_id="rich", value=1e308), event())
    assert tables.rows("select count(*) from events") == [3]
    assert tables.rows("select message_id, revenue from conversions") == [("rich", 10**10)]
