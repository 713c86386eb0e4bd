"""What browsers and consent dialogues say, in the words of each SDK."""

from typing import Any

import pytest

from producers.ingest.consent import consent_in, plain, signals_in
from runtime.settings import IngestSettings

PURPOSES = frozenset(map(plain, IngestSettings().analytics_purposes))


@pytest.mark.parametrize(
    ("context", "consent"),
    [
        ({}, None),
        ({"consent": None}, None),
        ({"consent": {"categoryPreferences": {"Analytics": True, "Advertising": False}}}, "granted"),
        ({"consent": {"categoryPreferences": {"Analytics": False, "Advertising": True}}}, "refused"),
        ({"consent": {"categoryPreferences": {"Advertising": False}}}, None),
        ({"consent": {"analytics_storage": "denied", "ad_storage": "granted"}}, "refused"),
        ({"consent": {"analyticsProcessingAllowed": True}}, "granted"),
        ({"consent": "denied"}, "refused"),
        ({"consent": "who knows"}, None),
        ({"consent": ["necessary", "Statistics"]}, "granted"),
        ({"consent": ["necessary"]}, "refused"),
        ({"consent": 1}, "granted"),
        ({"consent": 0}, "refused"),
        ({"consent": "0"}, "refused"),
        ({"consent": 2}, None),
        ({"consent": {"analytics": 0, "ads": 1}}, "refused"),
        ({"consentManagement": {"allowedConsentIds": ["C0001", "C0002"], "deniedConsentIds": ["C0004"]}}, "granted"),
        ({"consentManagement": {"allowedConsentIds": ["C0001"], "deniedConsentIds": ["c0002"]}}, "refused"),
        ({"consentManagement": {"allowedConsentIds": ["C0001"], "deniedConsentIds": []}}, None),
        ({"consentManagement": {"allowedConsentIds": "C0001,C0002", "deniedConsentIds": [2, None]}}, "granted"),
        ({"consentManagement": {"deniedConsentIds": "C0002"}}, "refused"),
        ({"consentManagement": "no"}, "refused"),
        ({"consentManagement": False}, "refused"),
        ({"consentManagement": [2]}, None),
        ({"consent": True, "consentManagement": {"deniedConsentIds": ["analytics"]}}, "refused"),
    ],
)
def test_consent_is_read_in_every_sdks_words(context: dict[str, Any], consent: str | None) -> None:
    assert consent_in(context, PURPOSES) == consent


@pytest.mark.parametrize(
    ("headers", "signals"),
    [
        ({}, ()),
        ({b"sec-gpc": b"1"}, ("gpc",)),
        ({b"sec-gpc": b"0", b"dnt": b"0", b"sp-anonymous": b""}, ()),
        ({b"dnt": b" 1", b"sp-anonymous": b"*"}, ("dnt", "sp_anonymous")),
        ({b"dnt": b"unspecified"}, ()),
    ],
)
def test_a_browsers_refusal_is_in_the_head_of_its_request(
    headers: dict[bytes, bytes], signals: tuple[str, ...]
) -> None:
    assert signals_in(headers) == signals
