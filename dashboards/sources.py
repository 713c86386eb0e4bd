"""What a panel asks: one view of Postgres, or one expression of Prometheus."""

from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.dashboard import DataSourceRef

POSTGRES: Final = DataSourceRef(type_val="grafana-postgresql-datasource", uid="shopstream-postgres")
PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="shopstream-prometheus")
"""The uids that `provisioning/datasources/` gives."""


@dataclass
class View(variants.Dataquery, builder.Builder[variants.Dataquery]):
    """A query of one view; the SDK has no builder for Postgres. Both what is built and its own builder."""

    sql: str
    format: Literal["table", "time_series"] = "table"
    ref: str = "A"

    def ref_id(self, ref_id: str) -> Self:
        self.ref = ref_id
        return self

    def build(self) -> Self:
        return self

    def to_json(self) -> dict[str, Any]:
        return {
            "refId": self.ref,
            "datasource": POSTGRES.to_json(),
            "format": self.format,
            "editorMode": "code",
            "rawQuery": True,
            "rawSql": self.sql,
        }


def view(name: str, columns: str, *, where: str = "", order: str = "") -> View:
    """Rows of one view, for a table, a number or bars."""
    parts = [f"select {columns} from {name}"]  # noqa: S608  all of it is written in this package
    parts += [f"where {where}"] if where else []
    parts += [f"order by {order}"] if order else []
    return View(" ".join(parts))


def series(name: str, columns: str, *, at: str, where: str = "") -> View:
    """Rows of one view over time, `at` being the column of time; a text column named `metric` names the lines."""
    return View(view(name, f"{at} as time, {columns}", where=where, order=at).sql, "time_series")


def metric(expr: str, legend: str = "") -> prometheus.Dataquery:
    """A Prometheus expression over the dashboard's time range; `legend` may name labels as `{{label}}`."""
    return prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").range().datasource(PROMETHEUS)
