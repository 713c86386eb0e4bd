"""Every panel's SQL runs against the migrated database, and each panel reads one view."""

import re
from typing import Any, Final

import psycopg2
import pytest

from dashboards.build import committed
from sql import files
from sql.migrate import migrate

MACROS: Final = {"$__timeFrom()": "'2026-03-02T00:00:00Z'", "$__timeTo()": "'2026-03-03T00:00:00Z'"}
"""What Grafana puts in their place."""


def queries() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name}: {panel['title']}", target)
        for name, board in committed().items()
        for panel in board["panels"]
        for target in panel.get("targets", [])
        if "rawSql" in target
    ]


def expanded(sql: str) -> str:
    for macro, text in MACROS.items():
        sql = sql.replace(macro, text)
    assert "$" not in sql
    return sql


def test_every_panel_reads_one_view() -> None:
    views = set(files.views())
    for panel, target in queries():
        read = re.findall(r"\b(?:from|join) (\w+)", target["rawSql"])
        assert len(read) == 1, panel
        assert read[0] in views, panel


def test_every_panels_sql_runs_on_the_migrated_database(database: str) -> None:
    migrate(database)
    connection = psycopg2.connect(database)
    try:
        with connection.cursor() as cursor:
            for panel, target in queries():
                cursor.execute(expanded(target["rawSql"]))
                assert cursor.description is not None
                columns = [column.name for column in cursor.description]
                assert len(set(columns)) == len(columns), panel
                if target["format"] == "time_series":
                    assert columns[0] == "time", panel
                    assert cursor.description[0].type_code == psycopg2.extensions.PYDATETIMETZ.values[0], panel
    finally:
        connection.close()


@pytest.mark.parametrize("panel", ["business.json: Funnel", "business.json: Sessions"])
def test_a_panel_of_numbers_has_its_row_before_the_first_event(database: str, panel: str) -> None:
    migrate(database)
    connection = psycopg2.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(expanded(dict(queries())[panel]["rawSql"]))
            assert len(cursor.fetchall()) == 1
    finally:
        connection.close()
