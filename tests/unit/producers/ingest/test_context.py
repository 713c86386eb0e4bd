"""The context keeps the page, the device and the campaign, and no address."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Context
from producers.ingest.context import ContextReader, context_of

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1 Version/16.6 Mobile/15E148 Safari/604.1"
)


def test_nothing_said_is_an_empty_context() -> None:
    assert context_of({}, {}, None) == Context()
    assert context_of({"page": 3, "campaign": "x", "device": [], "locale": 7, "library": None}, {}, None) == Context()


def test_neither_address_nor_user_agent_is_kept() -> None:
    context = context_of({"ip": "203.0.113.9", "userAgent": PHONE}, {}, None)
    assert context == Context(device_type="mobile", browser="Safari", os="iOS")


def test_what_the_event_says_about_its_page_goes_first() -> None:
    context = context_of(
        {"page": {"url": "https://a.example/x", "title": "A"}}, {"page_url": "https://b.example/y"}, None
    )
    assert (context.page_url, context.page_path, context.page_title) == ("https://b.example/y", "/y", "A")


def test_the_campaign_is_read_from_the_address_when_the_sdk_does_not_say_it() -> None:
    page = {"url": "https://a.example/?utm_source=news%00letter&utm_medium=email&utm_campaign=%E2%98%80"}
    context = context_of({"page": page, "campaign": {}}, {}, None)
    assert (context.campaign_source, context.campaign_medium, context.campaign_name) == ("newsletter", "email", "☀")
    assert context_of({"page": page, "campaign": {"source": "own"}}, {}, None).campaign_source == "own"
    assert context_of({"page": page}, {}, None) == context
    elsewhere = context_of({"page": {"url": "https://a.example/"}}, {}, None)
    assert (elsewhere.campaign_source, elsewhere.campaign_medium, elsewhere.campaign_name) == (None, None, None)


def test_the_rest_of_a_campaign_the_screen_and_the_sdks_session_are_kept() -> None:
    page = {"url": "https://a.example/?utm_term=green%20tea&utm_content=top"}
    screen = {"width": 390, "height": 844.4, "density": 3}
    context = context_of({"page": page, "screen": screen, "sessionId": 1718000000000}, {}, None)
    assert (context.campaign_term, context.campaign_content) == ("green tea", "top")
    assert (context.screen_width, context.screen_height) == (390, 844)
    assert context.sdk_session_id == "1718000000000"
    said = context_of({"campaign": {"term": "tea", "content": "b"}, "sessionId": "s1"}, {}, None)
    assert said == Context(campaign_term="tea", campaign_content="b", sdk_session_id="s1")


def test_a_screen_or_session_that_is_none_is_left_out() -> None:
    for side in 0, -1, True, "390", 1e300, float("nan"), None:
        assert context_of({"screen": {"width": side, "height": side}}, {}, None) == Context()
    for session_id in True, 1.5, "":
        assert context_of({"sessionId": session_id}, {}, None) == Context()
    assert context_of({"screen": [390], "sessionId": {}}, {}, None) == Context()


def test_an_impossible_address_is_kept_as_text() -> None:
    assert context_of({"page": {"url": "http://[/?utm_source=x"}}, {}, None) == Context(
        page_url="http://[/?utm_source=x"
    )


def test_client_hints_help_where_the_user_agent_says_nothing() -> None:
    hints = {"mobile": True, "platform": "Android"}
    assert context_of({"userAgentData": hints}, {}, None) == Context(device_type="mobile", os="Android")
    assert context_of({"userAgentData": hints}, {}, PHONE).os == "iOS"


def test_long_texts_are_cut() -> None:
    context = context_of({"page": {"url": "u" * 9_000, "title": "t" * 9_000}}, {}, None)
    assert (len(context.page_url or ""), len(context.page_title or "")) == (2_048, 512)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [{}, {"locale": "de"}, {"locale": "fr", "page": {"url": "/a?token=1"}}, {"userAgent": PHONE}]
            ),
            st.sampled_from([{}, {"page_url": "https://shop.example/b"}]),
            st.sampled_from([None, PHONE]),
        )
    )
)
def test_a_reader_says_the_same_whatever_it_read_before(
    asked: list[tuple[dict[str, str], dict[str, str], str | None]],
) -> None:
    reader = ContextReader(str.upper)
    for context, page, user_agent in asked:
        assert reader.read(context, page, user_agent) == context_of(context, page, user_agent, str.upper)
