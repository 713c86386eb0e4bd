"""The stream, events a second on one core: our Faust app against Quix Streams and Bytewax with the same fold and the same model.

Each contestant reads the same topic to its end as one process on one core, broker and this script on the others. Measured from
outside, from the first output to the last: wall time, and the process's own time on the processor, which a busy machine disturbs less.
What each does is in docs/benchmarks.md.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kafka.admin import NewTopic

from benchmarks.broker import broker, kind_of_broker
from benchmarks.measure import last_line, machine, table
from benchmarks.stream import workload
from benchmarks.stream.contest import OURS, Contestant, Measured, counted, measured
from contracts.topics import PARTITIONS
from runtime.kafka import admin
from runtime.settings import KafkaSettings
from shopstream.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".shopstream" / "bench-venv"
PEER_PACKAGES = ("msgspec", "numpy", "onnxruntime")
"""What the fold and the model need there too, in the versions of constraints.txt."""
PEER_NAMES = ("quix", "bytewax", "bytewax-batch", "bytewax-keep")
AIM = 1.5
PLAIN_FAUST = 20_000
"""Records for Faust as it comes, which is slow."""


def peers_python() -> str:
    """The interpreter of the peers' own environment, made when it is missing: what they need conflicts with what we need."""
    python = PEERS / "bin" / "python"
    ready = PEERS / "ready"
    if not ready.exists():
        print("installing Quix Streams and Bytewax into .shopstream/bench-venv (once) …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        same = [f"{name}=={pins[name]}" for name in PEER_PACKAGES]
        subprocess.run([*pip, *same, "--group", f"{ROOT / 'pyproject.toml'}:bench"], check=True)
        ready.touch()
    return str(python)


def contestants(python: str) -> list[Contestant]:
    def peer(name: str, label: str, *command: str) -> Contestant:
        module = (python, "-m", f"benchmarks.stream.{command[0]}", *command[1:])
        return Contestant(
            name=name, label=label, command=module, features=f"{name}-features", decisions=f"{name}-decisions"
        )

    return [
        OURS,
        peer("quix", "Quix Streams", "with_quix"),
        peer("bytewax", "Bytewax", "with_bytewax"),
        peer("bytewax-batch", "Bytewax, batch operators", "with_bytewax", "batch"),
        peer("bytewax-keep", "Bytewax, batch operators, state kept", "with_bytewax", "batch", "keep"),
    ]


def create_peers_topics(kafka: KafkaSettings) -> None:
    client = admin(kafka)
    names = [f"{peer}-{what}" for peer in PEER_NAMES for what in ("features", "decisions")]
    client.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    client.close()


def environ(kafka: KafkaSettings, name: str, folder: Path, count: int) -> Mapping[str, str]:
    return {
        "BENCH_BROKERS": ",".join(kafka.brokers),
        "BENCH_NAME": name,
        "BENCH_FOLDER": str(folder),
        "BENCH_COUNT": str(count),
        "SHOPSTREAM_KAFKA_BROKERS": ",".join(kafka.brokers),
        "SHOPSTREAM_PROCESS_PORT": str(free_port()),
        "SHOPSTREAM_PROCESS_REBALANCE_TIMEOUT_S": "6",
    }


def contest(
    kafka: KafkaSettings, records: list[workload.Encoded], who: list[Contestant], folder: Path, core: int
) -> Any:
    """Each contestant over the same topic."""
    workload.fill(kafka, records)
    right = workload.expected(records)
    results: list[Measured] = []
    for each in who:
        settings = environ(kafka, each.name, folder, len(records))
        results.append(measured(each, len(records), kafka.brokers[0], settings, folder, core, right))
        print(f"  {each.label}: {results[-1].processor_us:.1f} µs", flush=True)
    return results


def overhead(kafka: KafkaSettings, python: str, count: int, folder: Path, core: int) -> dict[str, tuple[float, float]]:
    """Decoding and counting only: records a second and processor µs a record."""
    module = ("-m", "benchmarks.stream.with_faust")
    commands = {
        "Faust, poll lanes": ((sys.executable, *module), count),
        "Quix Streams": ((python, "-m", "benchmarks.stream.with_quix", "count"), count),
        "Bytewax": ((python, "-m", "benchmarks.stream.with_bytewax", "count"), count),
        "Faust as it comes": ((sys.executable, *module, "plain"), PLAIN_FAUST),
    }
    found = {}
    for place, (label, (command, end)) in enumerate(commands.items()):
        name = f"count-{place}"
        done, wall, processor = counted(command, environ(kafka, name, folder, end), folder / f"{name}.log", core)
        found[label] = (done / wall, processor / done * 1e6)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=50_000, help="events of simulated shoppers")
    parser.add_argument("--real", type=int, default=30_000, help="hits of the Google store")
    parser.add_argument("--only", default="", help="name of the one contestant to run, e.g. ours")
    parser.add_argument("--embedded", action="store_true", help="the embedded broker even when Apache Kafka is here")
    options = parser.parse_args()

    *others, core = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {core})
    kind = kind_of_broker(is_embedded=options.embedded)
    print(f"{machine()}; {kind}", flush=True)
    python = peers_python()
    who = [each for each in contestants(python) if options.only in ("", each.name)]
    loads = {
        "simulated shoppers": workload.simulated(options.simulated),
        "Google store": workload.google_store(options.real) if options.real else [],
    }
    figures: dict[str, Any] = {"broker": kind}
    rows: list[tuple[object, ...]] = []
    for load, records in loads.items():
        if not records:
            continue
        print(f"{load}: {len(records):,} events of {len({key for _, key, _ in records}):,} visitors", flush=True)
        with broker(kind) as (kafka, folder):
            create_peers_topics(kafka)
            results = contest(kafka, records, who, folder, core)
            if load == "simulated shoppers" and not options.only:
                counts = overhead(kafka, python, len(records), folder, core)
        rows += [
            (f"{load}: {each.label}", each.rate, each.processor_us, each.features, each.decisions, _said(each))
            for each in results
        ]
        figures[load] = {each.label: _figures(each) for each in results}
        if not options.only:
            figures[load] |= _ratios(results)
    print(table(("", "events/s", "CPU µs/event", "features", "decisions", "sessions"), rows))
    if not options.only:
        print("decode and count only:")
        print(table(("", "records/s", "CPU µs/record"), [(name, *pair) for name, pair in counts.items()]))
        figures["count_only_us"] = {name: round(pair[1], 2) for name, pair in counts.items()}
        figures["ratio"] = min(each["ratio"] for each in figures.values() if isinstance(each, dict) and "ratio" in each)
        print(f"ratio to the faster peer record by record, the lower of the workloads: {figures['ratio']}; aim {AIM}")
        batched = [
            each["ratio_to_batch_operators"] for each in figures.values() if isinstance(each, dict) and "ratio" in each
        ]
        print(
            f"ratio to Bytewax with batch operators, which does less (docs/benchmarks.md): {min(batched)} to {max(batched)}"
        )
    print(last_line("stream_rate", {**figures, "aim": AIM}))


def _said(result: Measured) -> str:
    return "as expected" if result.is_right else "WRONG"


def _figures(result: Measured) -> dict[str, Any]:
    return {
        "events_per_s": round(result.rate),
        "cpu_us_per_event": round(result.processor_us, 1),
        "features": result.features,
        "decisions": result.decisions,
        "sessions_as_expected": result.is_right,
    }


def _ratios(results: list[Measured]) -> dict[str, float]:
    """Ours to the faster peer: record by record as the peers are meant to be used, and with Bytewax's batch operators."""
    ours, quix, bytewax, batch, kept = results
    return {
        "ratio": round(ours.rate / max(quix.rate, bytewax.rate), 2),
        "ratio_cpu": round(min(quix.processor_us, bytewax.processor_us) / ours.processor_us, 2),
        "ratio_to_batch_operators": round(ours.rate / batch.rate, 2),
        "ratio_cpu_to_batch_operators": round(batch.processor_us / ours.processor_us, 2),
        "ratio_cpu_to_batch_operators_state_kept": round(kept.processor_us / ours.processor_us, 2),
    }


if __name__ == "__main__":
    main()
