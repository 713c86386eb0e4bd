"""Ids that hold for a day."""

from datetime import UTC, datetime

import pytest

from producers.ingest.daily_ids import DailyIds
from runtime.settings import SettingsError

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)
NEXT_DAY = datetime(2026, 3, 3, tzinfo=UTC)
SECRET = "0123456789abcdef" * 2


@pytest.mark.parametrize("secret", ["", SECRET])
def test_a_visitor_is_the_same_all_day_and_another_tomorrow(secret: str) -> None:
    ids = DailyIds(secret)
    today, tonight, tomorrow = (ids.of(at, "demo", "lovelace") for at in (MORNING, NIGHT, NEXT_DAY))
    assert today == tonight != tomorrow
    assert today != ids.of(MORNING, "demo", "bob")
    assert "lovelace" not in today  # letters that no hash has


def test_processes_agree_only_when_they_share_a_secret() -> None:
    assert DailyIds(SECRET).of(MORNING, "ada") == DailyIds(SECRET).of(NIGHT, "ada")
    assert DailyIds().of(MORNING, "ada") != DailyIds().of(MORNING, "ada")


def test_without_a_secret_a_day_that_is_over_cannot_come_back() -> None:
    ids = DailyIds()
    before = ids.of(MORNING, "ada")
    ids.of(NEXT_DAY, "ada")
    assert ids.of(MORNING, "ada") != before


def test_a_short_secret_is_refused_with_what_to_do() -> None:
    with pytest.raises(SettingsError, match="openssl rand"):
        DailyIds("short")
