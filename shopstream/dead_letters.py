"""Dead letters for people: what senders wrote made safe to show, differences, and counts in sentences."""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shopstream.failures import CommandWronglyCalled
from shopstream.inert import inert

if TYPE_CHECKING:
    from rich.console import Console

    from producers.dead_letters.replay import Attempt, Tally

MAX_SHOWN_CHARACTERS: Final = 16_384
MAX_ITEMS: Final = 20
"""Dead letters that stay, named one by one."""
ID_CHARACTERS: Final = 12
"""As much of an id as is shown; a command takes it back."""
_AGO: Final = re.compile(r"(\d{1,6})(m|h|d)")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def short(text: str | None, most: int = 60) -> str:
    """One line of it."""
    line = inert(" ".join((text or "").split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def raw_text(raw: bytes) -> str:
    """A dead letter's bytes: JSON over several lines, anything else as it is, cut when long."""
    try:
        text = pretty(json.loads(raw))
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "backslashreplace")
    cut = text[:MAX_SHOWN_CHARACTERS]
    return inert(cut) + (f"\n… and {len(text) - len(cut):,} characters more" if len(cut) < len(text) else "")


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def difference(before: Any, after: Any) -> list[str]:
    """The lines that a fix takes away (`-`) and adds (`+`), each with one line around it."""
    lines = difflib.unified_diff(pretty(before).splitlines(), pretty(after).splitlines(), n=1, lineterm="")
    return [inert(line) for line in lines if not line.startswith(("---", "+++", "@@"))]


def outcome_of(attempt: "Attempt") -> str:
    """What becomes of a dead letter, in a few words."""
    event = attempt.event
    if event is None:
        return short(attempt.reason, 200)
    return f"accepted: {short(event.event_name)} of visitor {short(event.visitor_id)} at {event.occurred_at:%Y-%m-%d %H:%M:%S}"


def since_of(text: str, now: datetime) -> datetime:
    """`90m`, `12h` or `7d` ago, or an ISO 8601 instant; one without a zone is UTC. Raises `CommandWronglyCalled`."""
    try:
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise CommandWronglyCalled(f"--since {text} is neither an age such as 90m, 12h or 7d nor a date") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def counts(tally: "Tally", accepted: str) -> str:
    """What was counted, in a sentence; `accepted` says what became of those that ingest takes."""
    parts = [accepted]
    if tally.refused:
        parts.append(f"{tally.refused.total():,} still refused")
    if tally.unfixable:
        parts.append(f"{tally.unfixable.total():,} cannot be fixed so")
    if tally.not_meant:
        parts.append(f"{tally.not_meant:,} not meant by any condition")
    letters = "dead letter" if tally.looked_at == 1 else "dead letters"
    return f"{tally.looked_at:,} {letters}: {', '.join(parts)}."


def reasons(tally: "Tally") -> Iterator[str]:
    """A line for each reason, the most frequent first."""
    both: Counter[str] = tally.refused + tally.unfixable
    for reason, count in both.most_common(20):
        yield f"{count:,} × {short(reason, 160)}"
    if len(both) > 20:
        yield f"and {len(both) - 20} more reasons"


def go_through(lines: "Console", total: int, title: str, pages: Iterator[list["Attempt"]], sample: int) -> None:
    """Work off all pages; show the difference of some that are accepted, and name those that are not."""
    from rich.markup import escape

    from shopstream.screen import progress

    named = 0
    with progress(lines, title, total, "dead letters") as bar:
        for page in pages:
            for attempt in page:
                is_sample = sample > 0 and attempt.event is not None
                if not is_sample and (attempt.event is not None or named >= MAX_ITEMS):
                    continue
                id = attempt.kept.letter.dead_letter_id[:ID_CHARACTERS]
                lines.print(escape(f"{id}  {outcome_of(attempt)}"))
                if not is_sample:
                    named += 1
                    continue
                sample -= 1
                for line in difference(attempt.call, attempt.healed.after):
                    colour = {"-": "red", "+": "green"}.get(line[0], "dim")
                    lines.print(f"[{colour}]{escape(line)}[/]")
            bar.advance(bar.task_ids[0], len(page))


def tell(lines: "Console", tally: "Tally", summary: str) -> None:
    """The summary, and a line for each reason."""
    from rich.markup import escape

    lines.print(escape(summary))
    for line in reasons(tally):
        lines.print(escape(f"  {line}"))
