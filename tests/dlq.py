"""What runs `shopstream dlq …` in a test, and gives what it printed."""

from collections.abc import Callable

Run = Callable[..., str]
