"""Runs one contestant as a process of its own on one core, and measures it from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import psutil
from kafka import KafkaConsumer, TopicPartition

from contracts.topics import PARTITIONS

ROOT: Final = Path(__file__).parents[2]
BEGIN_S: Final = 60.0
QUIET_S: Final = 4.0
"""No output for this long means that everything is done."""
LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """How a contestant is started, and where its output goes."""

    name: str
    label: str
    command: tuple[str, ...]
    features: str
    decisions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a contestant did with a topic, from its first output to its last."""

    label: str
    events: int
    seconds: float
    processor_seconds: float
    features: int
    decisions: int
    is_right: bool

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def processor_us(self) -> float:
        return self.processor_seconds / self.events * 1e6


class ContestantFailed(RuntimeError):
    """A contestant gave no output; the text has the end of its log."""


@contextmanager
def running(
    command: tuple[str, ...], environ: Mapping[str, str], log: Path, core: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """The command on one core; its log and what it prints go to files."""
    with log.open("wb") as errors, log.with_suffix(".out").open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environ, "PYTHONPATH": str(ROOT)}, stdout=out, stderr=errors
        )
        os.sched_setaffinity(process.pid, {core})
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def measured(
    who: Contestant,
    events: int,
    brokers: str,
    environ: Mapping[str, str],
    folder: Path,
    core: int,
    right: dict[str, int],
) -> Measured:
    """Let the contestant read the whole topic. Raises `ContestantFailed`."""
    log = folder / f"{who.name}.log"
    ends = KafkaConsumer(bootstrap_servers=[brokers], enable_auto_commit=False)
    partitions = [TopicPartition(topic, n) for topic in (who.features, who.decisions) for n in range(PARTITIONS)]
    try:
        with running(who.command, environ, log, core) as process:
            began, ended, told = _watch(process, ends, partitions)
    finally:
        ends.close()
    if told == 0:
        raise ContestantFailed(f"{who.label} gave no output:\n{log.read_text()[-2000:]}")
    features, newest = _newest(brokers, who.features)
    decisions, _ = _newest(brokers, who.decisions)
    return Measured(
        label=who.label,
        events=events,
        seconds=ended[0] - began[0],
        processor_seconds=ended[1] - began[1],
        features=features,
        decisions=decisions,
        is_right=newest == right,
    )


Look = tuple[float, float]
"""Wall and processor seconds."""


def _watch(
    process: "subprocess.Popen[bytes]", ends: KafkaConsumer, partitions: list[TopicPartition]
) -> tuple[Look, Look, int]:
    """The look before the first output, the look after the last, and how many records were told."""
    watched = psutil.Process(process.pid)
    started_at = time.perf_counter()
    began = ended = last = (started_at, 0.0)
    told = 0
    while True:
        try:
            cpu = watched.cpu_times()
        except psutil.Error:  # it has ended by itself
            return began, last, told
        look = (time.perf_counter(), cpu.user + cpu.system)
        now_told = sum(ends.end_offsets(partitions).values())
        if now_told > told:
            if told == 0:
                began = last
            told, ended = now_told, look
        elif look[0] - (ended[0] if told else started_at) > (QUIET_S if told else BEGIN_S):
            return began, ended, told
        last = look
        time.sleep(LOOK_EVERY_S)


class _State(msgspec.Struct):
    session_id: str
    event_count: int
    replaces: tuple[str, ...] = ()


def _newest(brokers: str, topic: str) -> tuple[int, dict[str, int]]:
    """How many records the topic has, and each session's number of events in its newest."""
    consumer = KafkaConsumer(bootstrap_servers=[brokers], enable_auto_commit=False)
    partitions = [TopicPartition(topic, n) for n in range(PARTITIONS)]
    decoder = msgspec.json.Decoder(_State)
    count, newest, quiet = 0, dict[str, int](), 0
    try:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        while quiet < 3:
            batches = consumer.poll(timeout_ms=250)
            quiet = 0 if batches else quiet + 1
            for records in batches.values():
                count += len(records)
                for record in records:
                    state = decoder.decode(record.value)
                    newest[state.session_id] = state.event_count
                    for replaced in state.replaces:
                        newest.pop(replaced, None)
    finally:
        consumer.close()
    return count, newest


def counted(command: tuple[str, ...], environ: Mapping[str, str], log: Path, core: int) -> tuple[int, float, float]:
    """Records, wall seconds and processor seconds of a contestant that only counts. Raises `ContestantFailed`."""
    with running(command, environ, log, core) as process:
        try:
            process.wait(BEGIN_S)
        except subprocess.TimeoutExpired:
            raise ContestantFailed(f"{' '.join(command)} did not end:\n{log.read_text()[-2000:]}") from None
    out = log.with_suffix(".out").read_text().splitlines()
    if not out:
        raise ContestantFailed(f"{' '.join(command)} counted nothing:\n{log.read_text()[-2000:]}")
    count, wall, processor = json.loads(out[-1])
    return int(count), float(wall), float(processor)


OURS: Final = Contestant(
    name="ours",
    label="Shopstream (Faust, poll lanes)",
    command=(sys.executable, "-m", "shopstream", "process"),
    features="session-features",
    decisions="decisions",
)
