"""The chaos matrix of the streams: under load on Apache Kafka, fault by fault, nothing is lost and nothing counted twice.

    python -m tests.chaos.streams [--only FAULT …] [--sessions N]

After each fault the load stops, everything drains, and Postgres must equal the reference, without what visitors who were erased
meanwhile had sent before: decisions that of the policy with the purse that they say they had, and offers within the day's budgets.
Exits 1 on any difference.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from shopstream.supervise import ServiceFailed
from tests.apache_kafka.server import missing
from tests.chaos.streams_faults import FAULTS, UNFELT
from tests.chaos.streams_load import Ears, Load, deliver
from tests.chaos.streams_reference import Difference, compare, compare_budgets
from tests.chaos.streams_rig import NotInTime, Rig, rig
from tests.chaos.streams_story import Erased, Sent, Story, crowd

VISITORS: Final = 1_500
PER_SECOND: Final = 250.0
WARM_S: Final = 4.0
AFTER_S: Final = 3.0
DECIDES_WITHIN_S: Final = 60.0
DRAINED_WITHIN_S: Final = 60.0
UNFELT_S: Final = 3.0
"""How long a partition may be silent because of a fault that no worker may feel."""
EXAMPLES: Final = 5
HEADINGS: Final = (
    "fault",
    "events",
    "sessions",
    "lost",
    "doubled",
    "differing",
    "decides again",
    "longest silence",
    "restarts",
    "took",
)
WIDTHS: Final = (22, 8, 9, 6, 8, 10, 14, 16, 9, 7)


@dataclass(slots=True)
class Result:
    """What one fault did."""

    fault: str
    events: int = 0
    decides_again_s: float | None = None
    """From the fault until every partition had decided about an event sent after it."""
    silence_s: float = 0.0
    restarts: int = 0
    took_s: float = 0.0
    difference: Difference = field(default_factory=Difference)
    problem: str | None = None

    @property
    def is_good(self) -> bool:
        return self.problem is None and not self.difference

    def row(self) -> str:
        again = "never" if self.decides_again_s is None else f"{self.decides_again_s:.1f} s"
        made = self.difference
        cells = (self.fault, self.events, made.sessions, made.lost, made.doubled, made.differing, again)
        return line([*cells, f"{self.silence_s:.1f} s", self.restarts, f"{self.took_s:.0f} s"])


def line(cells: Sequence[object]) -> str:
    first, *others = [str(cell) for cell in cells]
    return first.ljust(WIDTHS[0]) + "".join(cell.rjust(width) for cell, width in zip(others, WIDTHS[1:], strict=True))


def suffer(
    running: Rig,
    ears: Ears,
    fault: str,
    everything: list[Sent],
    per_second: float = PER_SECOND,
    visitors: int = VISITORS,
) -> Result:
    """One fault under load, and what Postgres says after it. `everything` is what was sent before, and gets what is sent."""
    result = Result(fault)
    began_at = time.monotonic()
    restarts = running.restarts()
    load = Load(running.kafka, Story(fault, visitors), per_second)
    try:
        with load:
            running.until("every partition decides", lambda: ears.decided_again_s(began_at, load) is not None, 60)
            running.wait(WARM_S)
            hit_at = time.monotonic()
            hit_at = FAULTS[fault](running) or hit_at
            running.until(
                "every partition decides again",
                lambda: ears.decided_again_s(hit_at, load) is not None,
                DECIDES_WITHIN_S,
            )
            result.decides_again_s = ears.decided_again_s(hit_at, load)
            running.wait(AFTER_S)
            result.silence_s = ears.longest_silence_s(hit_at, load)
            load.stop()
        result.events = len({each.event.message_id for each in load.sent if each.event})
        drain(running, fault)
        if fault in UNFELT and result.silence_s > UNFELT_S:
            result.problem = f"decisions stood still for {result.silence_s:.1f} s"
    except (NotInTime, ServiceFailed) as error:
        result.problem = str(error)
    result.restarts = running.restarts() - restarts
    result.took_s = time.monotonic() - began_at
    if result.events and (result.problem is None or running.waiting() is None):
        everything += load.sent
        result.difference = compare(running, fault, load.sent)
        with contextlib.suppress(
            NotInTime
        ):  # the ears are as far as the sink soon; else the comparison says what differs
            running.until(
                "every offer is heard", lambda: not compare_budgets(running, ears.offers, Erased(everything)), 5
            )
        result.difference.add(compare_budgets(running, ears.offers, Erased(everything)))
    return result


def drain(running: Rig, fault: str) -> None:
    """Wait until no record waits anywhere and every session that ended is closed. Raises `NotInTime`."""

    def is_drained() -> bool:
        return running.is_ready() and running.waiting() is None and not running.query(STILL_OPEN, fault)[0][0]

    running.until("all is drained", is_drained, DRAINED_WITHIN_S)


STILL_OPEN: Final = """select count(*) from sessions
where write_key = %s and closed_at is null and visitor_id not like write_key || '-last-%%'"""


def fill(running: Rig, sessions: int) -> None:
    """Open that many sessions before the first fault, so that there is state to recover."""
    began_at = time.monotonic()
    deliver(running.kafka, crowd(sessions))
    running.until("the crowd is stored", lambda: running.waiting() is None, 600)
    print(f"{sessions:,} live sessions after {time.monotonic() - began_at:.0f} s", flush=True)


def tell(result: Result, running: Rig) -> None:
    print(result.row(), flush=True)
    if not result.is_good:
        for text in [result.problem, running.waiting(), *result.difference.examples[:EXAMPLES]]:
            print(f"    {text}" if text else "", flush=True)


def tell_budgets(running: Rig, ears: Ears) -> None:
    """What was offered out of the budgets in all, and why rules were passed over."""
    for budget, day, allowed, offered, set_aside in running.query(BUDGETS):
        print(
            f"budget {budget} of {day}: {offered:g} of {allowed:g} offered, {set_aside:g} set aside for more",
            flush=True,
        )
    for reason, times in sorted(ears.passed_over.items()):
        print(f"passed over {times:,} times: {reason}", flush=True)


BUDGETS: Final = "select budget, day, per_day, offered_cost, set_aside from budget_by_day order by budget, day"


def run(
    faults: Sequence[str],
    folder: Path,
    *,
    sessions: int = 0,
    per_second: float = PER_SECOND,
    settings: Mapping[str, str] = MappingProxyType({}),
    is_telling: bool = False,
) -> bool:
    """Every named fault on one rig, one after the other; whether all went well. `settings` are the services'."""

    def say(text: str) -> None:
        if is_telling:
            print(f"    {text}", flush=True)

    results: list[Result] = []
    everything: list[Sent] = []
    with rig(folder, say, settings) as running, Ears(running.kafka) as ears:
        if sessions:
            fill(running, sessions)
        print(line(HEADINGS), flush=True)
        for fault in faults:
            results.append(suffer(running, ears, fault, everything, per_second))
            tell(results[-1], running)
        if sessions:
            difference = compare(running, "crowd", list(crowd(sessions)))
            results.append(Result("crowd", sessions, decides_again_s=0.0, difference=difference))
            tell(results[-1], running)
        tell_budgets(running, ears)
    return all(result.is_good for result in results)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="FAULT", help=", ".join(FAULTS)
    )
    parser.add_argument("--sessions", type=int, default=0, help="live sessions before the first fault")
    parser.add_argument("--rate", type=float, default=PER_SECOND, help="events a second")
    parser.add_argument("--set", nargs="+", default=[], metavar="SHOPSTREAM_…=…", help="settings of the services")
    parser.add_argument("--folder", type=Path, help="where logs and data stay; a temporary folder when not given")
    parser.add_argument("--tell", action="store_true", help="say what dies and is started again")
    options = parser.parse_args()
    if (reason := missing()) is not None:
        print(f"the chaos matrix needs Apache Kafka: {reason}", file=sys.stderr)
        return 2
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shopstream-chaos-")))
        folder.mkdir(parents=True, exist_ok=True)
        is_good = run(
            options.only,
            folder,
            sessions=options.sessions,
            per_second=options.rate,
            settings=dict(each.split("=", 1) for each in options.set),
            is_telling=options.tell,
        )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
