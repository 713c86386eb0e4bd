import json

from benchmarks.measure import last_line, machine, percentile, table


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([5.0], 0.99) == 5.0


def test_figures_stand_right_and_names_left() -> None:
    assert table(("", "events/s"), [("ours", 12345.6), ("theirs", 7.25)]).splitlines()[2:] == [
        "ours      12,346",
        "theirs      7.25",
    ]


def test_the_last_line_is_one_json_object_that_names_the_benchmark() -> None:
    assert json.loads(last_line("stream_rate", {"ratio": 2.0})) == {"benchmark": "stream_rate", "ratio": 2.0}


def test_the_machine_is_one_line() -> None:
    assert "\n" not in machine()
