"""What `shopstream doctor` finds."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `repair` is the command or step that puts it right."""

    subject: str
    verdict: Verdict
    text: str
    repair: str = ""
