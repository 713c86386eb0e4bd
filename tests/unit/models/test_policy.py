"""Policy files: the first rule that fits decides, what is unknown does not fit, and a bad file says what to change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policy import NUMBERS, TEXTS, Policy, PolicyError
from models.serving import Scores
from tests.factories import features

HEAD = 'name = "ours"\n[holdout]\nshare = 0.1\nsalt = "s"\n'
NOTHING = '[[rule]]\nname = "n"\naction = "nothing"\nbecause = "b"\n'


def scores(**others: Any) -> Scores:
    values: dict[str, Any] = {
        "likelihood": 0.3,
        "persona": "Casual Visitor",
        "persona_confidence": 0.5,
        "style": "Explorer",
        "style_confidence": 0.5,
        "because": ("+ cart worth 10.00",),
        "model_version": "forest-1",
    }
    return Scores(**{**values, **others})


def rule(name: str = "points", action: str = "loyalty_points", when: str = "{}", more: str = "") -> str:
    return (
        f'[[rule]]\nname = "{name}"\naction = "{action}"\nmessage = "Points"\nbecause = "why"\nwhen = {when}\n{more}\n'
    )


def chosen(text: str, session: dict[str, Any] | None = None, **scored: Any) -> str | None:
    found = Policy.of_text(HEAD + text).rule_for(features(**(session or {})), scores(**scored))
    return found.name if found else None


def test_the_first_rule_that_fits_decides() -> None:
    text = rule("first", when="{ cart_value = { at_least = 50 } }") + rule("second") + rule("third")
    assert chosen(text, {"cart_value": 60.0}) == "first"
    assert chosen(text, {"cart_value": 10.0}) == "second"


def test_all_conditions_of_a_rule_must_hold() -> None:
    text = rule(when='{ persona = ["Browser", "Quick Buyer"], likelihood = { at_least = 0.1, below = 0.5 } }')
    assert chosen(text, persona="Browser") == "points"
    assert chosen(text, persona="Casual Visitor") is None
    assert chosen(text, persona="Browser", likelihood=0.5) is None
    assert chosen(text, persona="Browser", likelihood=0.1) == "points"


def test_a_condition_on_what_is_not_known_does_not_hold() -> None:
    text = rule(when="{ viewed_price_mean = { below = 100 } }")
    assert chosen(text) is None
    assert chosen(text, {"viewed_price_mean": 20.0}) == "points"


def test_a_field_that_may_not_be_believed_does_not_fit() -> None:
    policy = Policy.of_text(HEAD + rule(when="{ cart_item_count = { below = 1 } }"))
    assert policy.rule_for(features(), scores()) is not None
    assert policy.rule_for(features(), scores(), frozenset({"cart_value"})) is None


def test_conditions_may_be_on_device_and_channel() -> None:
    text = rule(when='{ device_type = ["mobile"], channel = ["email"] }')
    assert chosen(text, {"device_type": "mobile", "channel": "email"}) == "points"
    assert chosen(text, {"device_type": "mobile"}) is None


def test_every_number_of_a_session_can_be_a_condition() -> None:
    assert {"likelihood", "cart_value", "purchase_count", "viewed_price_mean", "rage_click_count", "hour"} <= NUMBERS
    assert not NUMBERS & {"session_id", "started_at", "device_type", "replaces", "closed_at"}
    assert not NUMBERS & set(TEXTS)


def test_the_version_follows_what_the_file_says_and_not_its_comments() -> None:
    plain = Policy.of_text(HEAD + rule())
    assert Policy.of_text("# ours\n" + HEAD + rule()).version == plain.version
    assert Policy.of_text(HEAD + rule(more="priority = 'low'")).version != plain.version
    assert plain.version.startswith("ours-")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", "not TOML"),
        (HEAD + rule(when="{ cart_vale = { below = 5 } }"), "rule `points`.*cart_vale.*did you mean `cart_value`"),
        (HEAD + rule(when="{ zzz = { below = 5 } }"), "conditions are: .*cart_value"),
        (HEAD + rule(when='{ persona = ["Shopper"] }'), "knows no Shopper.*VIP Loyalist"),
        (HEAD + rule(when="{ persona = { below = 5 } }"), "takes a list of words"),
        (HEAD + rule(when='{ cart_value = ["much"] }'), "takes bounds"),
        (HEAD + rule(when="{ cart_value = {} }"), "takes bounds"),
        (HEAD + rule(when="{ cart_value = { at_least = 5, below = 5 } }"), "can never hold"),
        (HEAD + rule(when="{ cart_value = { above = 5 } }"), "rule `points`.*above"),
        (HEAD + rule(action="magic"), "rule `points`.*magic"),
        (HEAD + rule(more="discount = 10"), "only for action discount"),
        (HEAD + rule(action="discount"), "needs `discount`, in percent"),
        (HEAD + rule(action="discount", more="discount = 120"), "rule `points`.*<= 100"),
        (HEAD + rule(more='prority = "high"'), "rule `points`.*prority"),
        (HEAD + rule() + rule(), "two rules are named `points`"),
        (HEAD + NOTHING.replace("nothing", "tutorial"), "`message` is missing"),
        (HEAD.replace("0.1", "1.5") + rule(), "<= 1.*holdout"),
        (rule(), "name|holdout"),
    ],
)
def test_a_bad_file_says_what_to_change(text: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        Policy.of_text(text)


def test_a_file_that_is_not_there_says_which_setting_names_it(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="SHOPSTREAM_PROCESS_POLICY_FILE"):
        Policy.load(tmp_path / "none.toml")


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("rules = 1")
    with pytest.raises(PolicyError, match=r"mine\.toml"):
        Policy.load(tmp_path / "mine.toml")


@given(st.text(max_size=50), st.floats(0, 1))
def test_the_arm_of_a_visitor_is_stable_and_a_larger_holdout_only_adds_to_it(visitor_id: str, share: float) -> None:
    def arm(share: float) -> str:
        return Policy.of_text(HEAD.replace("0.1", f"{share:.6f}") + rule()).arm_of(visitor_id)

    assert arm(share) == arm(share)
    if arm(share) == "holdout":
        assert arm(min(1.0, share + 0.1)) == "holdout"
    assert arm(0) == "treatment"
    assert arm(1) == "holdout"


def test_about_the_share_of_visitors_is_held_out_and_another_salt_draws_others() -> None:
    def held(salt: str) -> set[str]:
        policy = Policy.of_text(HEAD.replace('"s"', f'"{salt}"') + rule())
        return {f"v{number}" for number in range(5_000) if policy.arm_of(f"v{number}") == "holdout"}

    first, second = held("a"), held("b")
    assert 400 < len(first) < 600
    assert len(first & second) < 100


class TestThePolicyThatShips:
    """What a shop gets that changes nothing."""

    @pytest.fixture
    def offered(self, policy: Policy) -> Callable[..., str | None]:
        def offered(session: dict[str, Any] | None = None, **scored: Any) -> str | None:
            fields = {"event_count": 8, "page_count": 5, **(session or {})}
            found = policy.rule_for(features("12:00", "12:05", **fields), scores(**scored))
            return None if found is None or found.action == "nothing" else found.name

        return offered

    def test_nothing_after_a_purchase(self, offered: Callable[..., str | None]) -> None:
        assert offered({"purchase_count": 1, "cart_value": 80.0, "cart_item_count": 1}, style="Hurried") is None

    def test_nothing_for_who_buys_anyway(self, offered: Callable[..., str | None]) -> None:
        assert offered({"cart_value": 80.0, "cart_item_count": 1}, likelihood=0.9) is None

    def test_nothing_before_anything_is_known(self, offered: Callable[..., str | None]) -> None:
        assert offered({"event_count": 2, "cart_value": 80.0}) is None

    def test_each_kind_of_incentive_has_its_shopper(self, offered: Callable[..., str | None]) -> None:
        cart = {"cart_value": 30.0, "cart_item_count": 1}
        assert offered(cart, style="Hurried") == "simplified-checkout-for-the-hurried"
        assert offered(cart, persona="VIP Loyalist") == "points-for-loyal-visitors"
        assert offered(cart, style="Bargain hunter") == "discount-for-bargain-hunters"
        assert offered({**cart, "checkout_step_count": 1}) == "discount-in-the-checkout"
        assert offered({**cart, "cart_value": 50.0}) == "free-shipping-for-a-full-cart"
        assert offered(cart, persona="Quick Buyer") == "urgency-for-quick-buyers"
        assert offered({"distinct_product_count": 4}) == "tutorial-for-explorers"
        assert offered({"product_view_count": 5}, persona="Research Shopper") == "free-shipping-for-new-researchers"
