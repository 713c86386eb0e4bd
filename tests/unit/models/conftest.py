"""A small model for tests, trained once a run on made-up shoppers whose behaviour is known."""

import itertools
import math
from datetime import timedelta
from random import Random

import pytest

from contracts.features import SessionFeatures
from models.artifact import Artifact
from models.examples import Example
from models.policy import Policy
from models.serving import Scorer
from models.training import train
from tests.factories import DAY, features

SEED = 7


def shopper(random: Random, number: int, events: int) -> SessionFeatures:
    """A session after so many events; whoever has a cart of more is likelier to have gone further."""
    products = random.randint(0, events)
    added = sum(random.random() < 0.15 for _ in range(events))
    purchases = max(0, round(random.gauss(-0.5, 1)))
    start = DAY + timedelta(minutes=number)
    knows_engagement = random.random() < 0.7
    return features(
        start,
        start + timedelta(seconds=random.lognormvariate(3, 0.8) * (events - 1)),
        session_id=f"s{number}",
        visitor_id=f"v{number}",
        event_count=events,
        page_count=max(1, events - added),
        product_view_count=products,
        distinct_product_count=math.ceil(products * 0.7),
        distinct_category_count=min(products, 2),
        add_to_cart_count=added,
        cart_item_count=added,
        cart_value=added * round(random.uniform(5, 60), 2),
        checkout_step_count=int(added > 0 and random.random() < 0.3),
        viewed_price_mean=random.uniform(5, 80) if products else None,
        active_ms=random.uniform(1, 30) * 1000 * events if knows_engagement else None,
        scroll_percent_max=random.uniform(5, 100) if knows_engagement else None,
        device_type=random.choice(["desktop", "mobile", "tablet", "unknown"]),
        channel=random.choice(["direct", "search", "email", "paid"]),
        previous_session_count=purchases + random.randint(0, 2),
        previous_purchase_count=purchases,
        previous_revenue=purchases * 40.0,
    )


def made_up_examples(count: int = 1_500, seed: int = SEED) -> list[Example]:
    """Two states of each of `count` sessions, which buy more often with a cart, a checkout and a history."""
    random = Random(seed)
    examples = []
    for number, events in itertools.product(range(count), (2, 9)):
        state = shopper(random, number, events)
        log_odds = -2.6 + 0.8 * min(state.add_to_cart_count, 3) + 1.5 * state.checkout_step_count
        log_odds += 0.6 * min(state.previous_purchase_count, 2)
        buys = random.random() < 1 / (1 + math.exp(-log_odds))
        examples.append(Example(state, buys, state.visitor_id, state.started_at))
    return examples


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return made_up_examples()


@pytest.fixture(scope="session")
def artifact(examples: list[Example]) -> Artifact:
    return train(examples, seed=SEED)


@pytest.fixture(scope="session")
def scorer(artifact: Artifact) -> Scorer:
    return artifact.scorer()


@pytest.fixture(scope="session")
def sessions() -> list[SessionFeatures]:
    """A thousand sessions that the model has not seen."""
    return [example.features for example in made_up_examples(500, seed=SEED + 1)]


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The policy that ships."""
    return Policy.load()
