"""Recorded topics: what Kafka holds of some topics, partition by partition, read whole or from a file."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from heapq import merge
from pathlib import Path
from typing import Final

import msgspec
from kafka import KafkaConsumer, TopicPartition
from msgspec import structs

from contracts.topics import DECISIONS, EVENTS, SESSION_FEATURES
from runtime.kafka import admin
from runtime.settings import KafkaSettings

RECORDED: Final = (DECISIONS.name, SESSION_FEATURES.name, EVENTS.name)
"""Effect before cause: whatever led to a decision or to features that were read is then read, too."""
POLL_MS: Final = 500
SILENCE_POLLS: Final = 10
"""Polls without a record after which a partition's end is believed to be where Kafka says when asked."""

Progress = Callable[[int, int], None]
"""Told how many records are read, of how many."""


LINE_RECORDS: Final = 5_000


class RecordingError(ValueError):
    """A recording cannot be read; the text says why and what to do."""


class Record(msgspec.Struct, array_like=True, tag="record", frozen=True):
    """One record as Kafka had it, byte for byte."""

    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Part(msgspec.Struct, array_like=True, tag="part", frozen=True):
    """One partition of one topic: the records from `start`, the first that Kafka still had, on.

    `done` is the offset up to which the stream had processed them when reading began; 0 for a topic that it does not read.
    """

    topic: str
    partition: int
    start: int
    done: int
    records: list[Record]


ENCODER: Final = msgspec.json.Encoder()
DECODER: Final = msgspec.json.Decoder(Part)


def recorded_by_kafka(
    settings: KafkaSettings, app_id: str, progress: Progress = lambda done, total: None
) -> Iterator[dict[str, Part]]:
    """What is on the topics now, one partition of all of them at a time. Raises `KafkaUnreachable` or `RecordingError`."""
    with closing(admin(settings)) as client:
        present = set(client.list_topics())
        if missing := [name for name in RECORDED if name not in present]:
            raise RecordingError(f"Kafka has no topic {', '.join(missing)} yet; run `shopstream topics create`")
        committed = client.list_group_offsets(app_id).get(app_id, {})
    consumer = KafkaConsumer(
        bootstrap_servers=list(settings.brokers), enable_auto_commit=False, auto_offset_reset="earliest", group_id=None
    )
    with closing(consumer):
        numbers = sorted(consumer.partitions_for_topic(EVENTS.name) or ())
        places = [TopicPartition(topic, number) for number in numbers for topic in RECORDED]
        starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        total, done = sum(ends[each] - starts[each] for each in places), 0
        for number in numbers:
            parts: dict[str, Part] = {}
            for topic in RECORDED:
                place = TopicPartition(topic, number)
                reached = committed[place].offset if place in committed else 0
                records: list[Record] = []
                for batch in _read(consumer, place):
                    records += batch
                    progress(done + len(records), max(total, done + len(records)))
                done += len(records)
                parts[topic] = Part(topic, number, starts[place], max(reached, 0), records)
            yield parts


def newest_arrival_ms(settings: KafkaSettings) -> int | None:
    """When the newest of all events arrived; None when there are none. Raises `KafkaUnreachable`."""
    with closing(admin(settings)):  # says in words when nobody answers
        pass
    consumer = KafkaConsumer(bootstrap_servers=list(settings.brokers), enable_auto_commit=False, group_id=None)
    newest: int | None = None
    with closing(consumer):
        for number in sorted(consumer.partitions_for_topic(EVENTS.name) or ()):
            place = TopicPartition(EVENTS.name, number)
            end = consumer.end_offsets([place])[place]
            if end == 0:
                continue
            for batch in _read(consumer, place, end - 1):
                newest = max(newest or 0, *(record.at_ms for record in batch))
    return newest


def _read(consumer: KafkaConsumer, place: TopicPartition, start: int | None = None) -> Iterator[list[Record]]:
    """Everything from an offset, or the partition's beginning, to the end that it has when reading begins."""
    consumer.assign([place])
    if start is None:
        consumer.seek_to_beginning(place)
    else:
        consumer.seek(place, start)
    end: int | None = None
    silent = 0
    while True:
        batch = consumer.poll(timeout_ms=POLL_MS).get(place, [])
        if batch:
            yield [Record(each.offset, each.timestamp, each.key, each.value, list(each.headers)) for each in batch]
        silent = 0 if batch else silent + 1
        # A fetch response tells the true end; the embedded broker, when asked, tells one too low.
        if end is None:
            end = consumer.highwater(place)
        if end is not None and consumer.position(place) >= end:
            return
        if silent == SILENCE_POLLS and consumer.position(place) >= consumer.end_offsets([place])[place]:
            return
        if silent > 4 * SILENCE_POLLS:
            raise RecordingError(f"Kafka stopped answering while {place.topic} was read; run `shopstream doctor`")


def write_recording(path: Path, recorded: Iterable[dict[str, Part]]) -> int:
    """Write a recording, some thousand records a line, gzipped; returns how many records it has."""
    count = 0
    unfinished = path.with_name(f"{path.name}.part")
    with gzip.open(unfinished, "wb", compresslevel=3) as file:
        for parts in recorded:
            for part in parts.values():
                for place in range(0, max(1, len(part.records)), LINE_RECORDS):
                    some = structs.replace(part, records=part.records[place : place + LINE_RECORDS])
                    file.write(ENCODER.encode(some) + b"\n")
                count += len(part.records)
    unfinished.replace(path)
    return count


def recorded_in_file(path: Path, progress: Progress = lambda done, total: None) -> Iterator[dict[str, Part]]:
    """What a recording holds, one partition of all its topics at a time. Raises `RecordingError`."""
    parts: dict[str, Part] = {}
    for part in _lines(path, progress):
        if parts and part.partition != next(iter(parts.values())).partition:
            yield parts
            parts = {}
        if part.topic in parts:
            parts[part.topic].records.extend(part.records)
        else:
            parts[part.topic] = part
    if parts:
        yield parts


def events_in_file(path: Path) -> Iterator[Record]:
    """The recorded events of all partitions in the order of their arrival. Raises `RecordingError`.

    Read partition after partition, the first would push the watermark over the sessions of all others.
    """

    def of(number: int) -> Iterator[Record]:
        for part in _lines(path):
            if part.topic == EVENTS.name and part.partition == number:
                yield from part.records

    numbers = sorted({part.partition for part in _lines(path)})
    return merge(*map(of, numbers), key=lambda record: record.at_ms)


def _lines(path: Path, progress: Progress = lambda done, total: None) -> Iterator[Part]:
    size = path.stat().st_size
    with path.open("rb") as raw:
        try:
            with gzip.open(raw, "rb") as file:
                for line in file:
                    yield DECODER.decode(line)
                    progress(raw.tell(), size)
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            raise RecordingError(
                f"{path} is no recording ({error}); `shopstream topics record {path}` makes one"
            ) from error
