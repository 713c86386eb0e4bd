"""What no later step may see, whoever sends it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.scrub import Scrubber, redacted, truncated
from runtime.settings import IngestSettings

SCRUBBER = Scrubber(IngestSettings().drop_fields, IngestSettings().drop_query_parameters)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:4711", "203.0.113.0:4711"),
        ("203.0.113.77, 198.51.100.9", "203.0.113.0, 198.51.100.0"),
        ("from 203.0.113.77.", "from 203.0.113.0."),
        ("2001:db8:85a3:8d3:1319:8a2e:370:7348", "2001:db8:85a3::"),
        ("::ffff:203.0.113.77", "::ffff:203.0.113.0"),
        ("12:30:05", "12:30:05"),
        ("Chrome/138.0.7204.97", "Chrome/138.0.7204.97"),
        ("http://127.0.0.1:8082/cart", "http://127.0.0.1:8082/cart"),
        ("no address", "no address"),
    ],
)
def test_an_address_is_cut_to_its_network(text: str, kept: str) -> None:
    assert truncated(text) == kept


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://shop.example/a?utm_source=x&gclid=1", "https://shop.example/a?utm_source=x&gclid=1"),
        ("https://shop.example/reset?token=s3cret&lang=en#top", "https://shop.example/reset?lang=en#top"),
        ("https://shop.example/?Access-Token=1", "https://shop.example/"),
        ("https://shop.example/?q=ada%40example.com&page=2", "https://shop.example/?page=2"),
        ("https://ada:pw@shop.example/a", "https://shop.example/a"),
        ("https://shop.example/#access_token=1&state=2", "https://shop.example/#state=2"),
        ("https://shop.example/#/reset?token=1&a=b", "https://shop.example/#/reset?a=b"),
        ("/reset?token=1", "/reset"),
        ("https://[shop?token=1", "https://[shop"),
        ("https://shop.example/?from=203.0.113.77", "https://shop.example/?from=203.0.113.0"),
        ("https://shop.example/bye/ada.l+x@mail.example.com/a", "https://shop.example/bye/(redacted)/a"),
        ("/bye/ada%40example.com?q=to+ada%40example.com", "/bye/(redacted)?q=(redacted)"),
        ("https://social.example/@ada", "https://social.example/@ada"),
        ("https://cdn.example/lamp@2x.png", "https://cdn.example/lamp@2x.png"),
    ],
)
def test_an_address_of_a_page_loses_its_secrets_and_keeps_the_rest(url: str, kept: str) -> None:
    assert SCRUBBER.url(url) == kept


def test_fields_go_by_name_at_any_depth_however_they_are_written() -> None:
    given = {"plan": "gold", "E-Mail": 1, "user": {"firstName": "Ada", "cards": [{"card_number": 4, "kind": "visa"}]}}
    assert SCRUBBER.cleaned(given) == {"plan": "gold", "user": {"cards": [{"kind": "visa"}]}}
    assert Scrubber(["e_mail"], ()).cleaned(given)["user"]["firstName"] == "Ada"
    assert Scrubber(["plan"], ()).cleaned(given)["E-Mail"] == 1


def test_an_e_mail_address_goes_out_of_a_longer_text() -> None:
    told = {
        "note": "Call ada@example.com, or jörg@bücher.example",
        "to": "ada@example.com",
        "page": "/a/ada@example.com",
    }
    kept = {"note": "Call (redacted), or (redacted)", "to": "ada@example.com", "page": "/a/(redacted)"}
    assert SCRUBBER.cleaned(told) == kept


@pytest.mark.parametrize(
    "text", ["a" * 100_000 + "@", "a@" * 50_000, "a@" + "b." * 50_000, "%40" * 30_000, "a.b@c" * 20_000]
)
def test_a_text_made_to_be_slow_takes_no_longer_than_its_length(text: str) -> None:
    assert redacted(text) == text  # a pattern that tries again at every place would take minutes


def test_user_agents_go_under_whatever_name() -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) Gecko"
    told = {"userAgent": "anything", "user-agent-data": {}, "client": agent}
    assert SCRUBBER.cleaned(told) == {"client": ""}


def test_a_lone_dash_drops_nothing() -> None:
    nothing = Scrubber(("-",), ("-",))
    assert nothing.cleaned({"email": 1, "": 2}) == {"email": 1, "": 2}
    assert nothing.url("https://shop.example/?token=1") == "https://shop.example/?token=1"


def test_bytes_that_are_no_json_are_cleaned_as_far_as_they_look_like_it() -> None:
    raw = b'{"ua": "Mozilla/5.0", "ip":"203.0.113.77", "e_mail":"x", "email": "a\\"b@c", "firstName" : "Ada", "n": 1'
    assert SCRUBBER.text(raw) == b'{"ua": "", "ip":"203.0.113.0", "e_mail":"", "email": "", "firstName" : "", "n": 1'
    assert SCRUBBER.text(b'\xff "password": "cut of') == b'\xff "password": ""'
    assert SCRUBBER.text(b'{"to": "ada@example.com') == b'{"to": "(redacted)'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_cleaning_twice_changes_nothing_more(value: Any) -> None:
    once = SCRUBBER.cleaned(value)
    assert SCRUBBER.cleaned(once) == once


@given(st.binary())
def test_any_bytes_can_be_cleaned(raw: bytes) -> None:
    assert isinstance(SCRUBBER.text(raw), bytes)


@given(st.text())
def test_any_text_can_be_an_address(text: str) -> None:
    json.dumps([SCRUBBER.url(text), truncated(text)])
