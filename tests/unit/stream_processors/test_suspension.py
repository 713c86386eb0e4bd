"""A pulse with clocks of its own."""

from stream_processors.suspension import Pulse


class Process:
    """A process whose clocks the test sets."""

    def __init__(self) -> None:
        self.wall_s = self.used_s = 0.0
        self.exit_codes: list[int] = []
        self.pulse = Pulse(45, wall=lambda: self.wall_s, used=lambda: self.used_s, leave=self.exit_codes.append)

    def after(self, wall_s: float, used_s: float) -> list[int]:
        self.wall_s, self.used_s = wall_s, used_s
        self.pulse.check()
        return self.exit_codes


def test_a_process_suspended_for_longer_than_its_session_ends() -> None:
    assert Process().after(wall_s=60, used_s=0.1) == [1]


def test_a_shorter_suspension_and_hard_work_are_no_reason_to_end() -> None:
    assert Process().after(wall_s=40, used_s=0.1) == []
    assert Process().after(wall_s=60, used_s=50) == []
