"""The settings documents that browser SDKs fetch before they send anything."""

import re
from typing import Any, Final

_HOST: Final = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,255}")


def segment_settings(write_key: str, host: str, scheme: str) -> dict[str, Any]:
    """For analytics.js: send everything to this host. A second integration would make it load code from a CDN of its own."""
    api_host = f"{host}/v1" if _HOST.fullmatch(host) else "localhost/v1"
    return {
        "integrations": {"Segment.io": {"apiKey": write_key, "apiHost": api_host, "protocol": scheme}},
        "metrics": {"sampleRate": 0},
    }


def rudderstack_source(write_key: str) -> dict[str, Any]:
    """For RudderStack's JS SDK: an enabled source without destinations; the empty config also switches off its own reporting."""
    source = {"id": write_key, "name": write_key, "workspaceId": "shopstream", "enabled": True}
    return {"source": {**source, "config": {}, "destinations": []}}
