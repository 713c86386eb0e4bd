"""How the pipeline does, in one line."""

from shopstream.status import LatestDecision, Status, Totals, is_caught_up, status_of


def test_rates_are_counted_between_two_looks() -> None:
    status = status_of({"ingest": {"ingest_events_accepted_total": 150.0}}, Status(events=100.0), seconds=2.0)
    assert (status.events, status.events_per_s) == (150.0, 25.0)


def test_a_service_that_began_again_at_zero_goes_on_where_it_was() -> None:
    totals = Totals()
    told = [
        totals.of("process", {"process_decisions_total": count, "process_lag_records": 7.0}) for count in (90, 4, 9)
    ]
    assert told == [{"process_decisions_total": count, "process_lag_records": 7.0} for count in (90, 94, 99)]
    assert totals.of("persist", {"process_decisions_total": 1.0}) == {"process_decisions_total": 1.0}
    assert totals.of("process", None) is None


def test_the_lag_of_a_service_that_does_not_answer_or_has_not_measured_it_yet_is_unknown() -> None:
    known = status_of({"ingest": None, "process": None, "persist": {"persist_lag_records": 0.0}}, Status(), seconds=1.0)
    assert "lag ? + 0" in known.line()
    young = status_of({"ingest": None, "process": {}, "persist": None}, Status(), seconds=1.0)
    assert "lag ? + ?" in young.line()


def test_the_line_tells_events_sessions_decisions_purchases_lag_and_dead_letters() -> None:
    status = Status(
        events=12_345,
        events_per_s=120,
        decisions=900,
        dead_letters=2,
        process_lag=0,
        persist_lag=7,
        sessions=40,
        purchases=3,
        revenue=99.5,
    )
    assert status.line() == (
        "12,345 events · 120/s · 40 sessions · 900 decisions · 3 purchases (99.50) · lag 0 + 7 · 2 dead letters"
    )


def test_a_step_has_caught_up_when_nothing_waits_and_nothing_came_since_that_was_measured() -> None:
    assert is_caught_up("process", {"process_lag_records": 0.0, "process_seconds_since_last_event": 2.0})
    assert not is_caught_up("process", {"process_lag_records": 1.0, "process_seconds_since_last_event": 2.0})
    assert not is_caught_up("process", {"process_lag_records": 0.0, "process_seconds_since_last_event": 0.1})
    assert not is_caught_up("process", {"process_seconds_since_last_event": 2.0})
    assert not is_caught_up("persist", None)


def test_a_decision_is_told_with_its_incentive_and_whether_it_was_held_out() -> None:
    assert str(LatestDecision("Browser", 0.125, None, False)) == "Browser, 12% likely to buy, no incentive"
    assert str(LatestDecision("Browser", 0.5, "free_shipping", True)).endswith("free shipping")
    assert str(LatestDecision("Browser", 0.5, "free_shipping", False)).endswith("free shipping (held out)")
