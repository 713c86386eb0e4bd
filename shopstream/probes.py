"""Asks a service over HTTP how it is: `/readyz` and `/metrics`."""

import http.client
import json
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from runtime.health import Check

# Never through a proxy: the services are on this machine or this network.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Figures = Mapping[str, float]
"""Metrics by sample name, summed over their labels."""
Sample = tuple[Mapping[str, str], float]
MOST_BYTES: Final = 1_000_000
"""Of an answer to `/readyz`; ours are a few hundred."""


def ready_check(url: str, timeout_s: float = 3.0) -> Check:
    """A check of a service's `/readyz`: None when it is ready, else what it says is wrong."""

    def check() -> str | None:
        try:
            with _OPENER.open(f"{url}/readyz", timeout=timeout_s) as answer:
                return (
                    None
                    if is_of_ours(answer.read(MOST_BYTES))
                    else f"something else answers at {url}; stop it, or choose another port"
                )
        except urllib.error.HTTPError as error:
            with error:
                return problems_in(error.read(), f"{url}/readyz answers {error.code}")
        except http.client.HTTPException:
            return f"something else answers at {url}; stop it, or choose another port"
        except (OSError, ValueError) as error:
            return f"nothing answers at {url} ({getattr(error, 'reason', error)})"

    return check


def is_of_ours(body: bytes) -> bool:
    """Whether the body of a `/readyz` that answers 200 is one of our services'."""
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def problems_in(body: bytes, otherwise: str) -> str:
    """The sentences of a `/readyz` body that are not `ok`."""
    try:
        checks = json.loads(body)
    except ValueError:
        return otherwise
    if not isinstance(checks, dict):
        return otherwise
    return "; ".join(f"{name}: {text}" for name, text in checks.items() if text != "ok") or otherwise


def figures_at(url: str, timeout_s: float = 2.0) -> Figures | None:
    """A service's metrics; None when it does not answer, or with something else."""
    text = _metrics_of(url, timeout_s)
    try:
        return None if text is None else figures_in(text)
    except ValueError:
        return None


def samples_at(url: str, name: str, timeout_s: float = 2.0) -> list[Sample] | None:
    """The samples of one of a service's metrics, each with its labels; None when it does not answer, or with something else."""
    text = _metrics_of(url, timeout_s)
    if text is None:
        return None
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError:
        return None
    return [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]


def _metrics_of(url: str, timeout_s: float) -> str | None:
    try:
        with _OPENER.open(f"{url}/metrics", timeout=timeout_s) as answer:
            return bytes(answer.read()).decode()
    except (OSError, ValueError, http.client.HTTPException):
        return None


def figures_in(text: str) -> Figures:
    """Every sample of a Prometheus exposition, summed over its labels."""
    totals: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] += sample.value
    return totals
