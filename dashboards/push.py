"""Committed dashboards into a Grafana that was not provisioned from files."""

from pathlib import Path
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaException, GrafanaUnauthorizedError
from grafana_api.grafana_face import GrafanaFace

from dashboards.build import FOLDER, committed
from runtime.settings import GrafanaSettings


class PushRefused(RuntimeError):
    """Grafana did not take the dashboards; the text says why and what to do."""


def push(settings: GrafanaSettings, folder: Path = FOLDER) -> list[str]:
    """Create or replace every dashboard; returns their URLs. Raises `PushRefused`."""
    grafana = _client(settings)
    urls = []
    try:
        for dashboard in committed(folder).values():
            answer = grafana.dashboard.update_dashboard(
                # Without an id Grafana finds the dashboard by its uid.
                {"dashboard": {**dashboard, "id": None}, "overwrite": True, "message": "shopstream dashboards push"}
            )
            urls.append(f"{settings.url.rstrip('/')}{answer['url']}")
    except GrafanaUnauthorizedError as error:
        raise PushRefused(
            f"Grafana at {settings.url} does not know us; set SHOPSTREAM_GRAFANA_TOKEN to a service-account token"
        ) from error
    except GrafanaException as error:
        raise PushRefused(f"Grafana at {settings.url} refused a dashboard: {error.message}") from error
    except requests.exceptions.RequestException as error:
        raise PushRefused(f"no Grafana answers at {settings.url}; start it, or set SHOPSTREAM_GRAFANA_URL") from error
    return urls


def _client(settings: GrafanaSettings) -> GrafanaFace:
    no_url = f"SHOPSTREAM_GRAFANA_URL={settings.url!r} is no URL; it takes one like http://127.0.0.1:3000"
    try:
        url = urlsplit(settings.url)
        port = url.port
    except ValueError as error:
        raise PushRefused(no_url) from error
    if url.scheme not in ("http", "https") or not url.hostname:
        raise PushRefused(no_url)
    prefix = url.path.strip("/")
    return GrafanaFace(
        auth=settings.token or (settings.user, settings.password),
        host=url.hostname,
        port=port,
        url_path_prefix=f"{prefix}/" if prefix else "",
        protocol=url.scheme,
    )
