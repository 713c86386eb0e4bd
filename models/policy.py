"""Hop 5. A policy file in, rules out: who is offered what, and who is left alone to measure by.

Rules are tried in the order of the file and the first that fits decides; `action = "nothing"` decides for no incentive.
A rule fits when every line of its `when` holds: text fields take a list of the values allowed, numbers take `at_least` (included)
and `below` (excluded). A condition on a value that is not known does not hold. A rule that draws on a budget is passed over
while the budget has not its `cost` left.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

import msgspec

from contracts.decisions import Arm, IncentiveType, Persona, Priority, Style
from contracts.events import DeviceType
from contracts.features import SessionFeatures
from models.serving import Scores

DEFAULT_FILE: Final = Path(__file__).parent / "policies" / "default.toml"
Action = IncentiveType | Literal["nothing"]

TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "persona": get_args(Persona),
    "style": get_args(Style),
    "device_type": get_args(DeviceType),
    "channel": ("direct", "search", "social", "email", "paid", "referral"),
}
"""Conditions that take a list of words."""
NUMBERS: Final = frozenset(
    field.name
    for field in msgspec.structs.fields(SessionFeatures)
    if set(get_args(field.type) or (field.type,)) <= {int, float, type(None)}
) | {"likelihood"}
"""Conditions that take bounds: the likelihood and every number in `SessionFeatures`."""
OF_SCORES: Final = frozenset({"likelihood", "persona", "style"})


class PolicyError(ValueError):
    """A policy file cannot be used; the text names the file, the rule and what to change."""


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`at_least` ≤ value < `below`."""

    at_least: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a rule's `when`."""

    name: str
    is_of_scores: bool
    read: Callable[[Any], Any]
    words: frozenset[str] | None
    at_least: float
    below: float

    def holds(self, features: SessionFeatures, scores: Scores, known: frozenset[str] | None) -> bool:
        if known is not None and not self.is_of_scores and self.name not in known:
            return False
        value = self.read(scores if self.is_of_scores else features)
        if self.words is not None:
            return value in self.words
        return value is not None and self.at_least <= value < self.below

    def said(self, features: SessionFeatures, scores: Scores) -> str:
        """What the value is and what the condition takes, for people who wonder why it does not hold."""
        value = self.read(scores if self.is_of_scores else features)
        if value is None:
            return f"{self.name} is not known"
        if self.words is not None:
            return f"{self.name} is {value}, not {' or '.join(sorted(self.words))}"
        return f"{self.name} is {value:g}, not {f'under {self.below:g}' if value >= self.below else f'at least {self.at_least:g}'}"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True, kw_only=True):
    """One `[[rule]]` of a policy file. `discount` is percent of the cart."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    action: Action
    because: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """Why the rule exists, in a shopkeeper's words; it becomes the decision's last reason."""
    message: Annotated[str, msgspec.Meta(max_length=200)] = ""
    discount: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    priority: Priority = "medium"
    budget: str | None = None
    """Name of the `[[budget]]` that its offers draw on."""
    cost: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """The most that one offer can cost the shop, in the unit of the budget: what the budget sets aside for it."""
    when: dict[str, Bounds | list[str]] = {}

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions of `when`. Raises `PolicyError`."""
        return tuple(_condition(name, value) for name, value in self.when.items())

    def fits(self, features: SessionFeatures, scores: Scores, known: frozenset[str] | None = None) -> bool:
        return all(condition.holds(features, scores, known) for condition in self.conditions)

    def unmet(self, features: SessionFeatures, scores: Scores) -> tuple[str, ...]:
        """Each condition that does not hold, in words; none when the rule fits."""
        return tuple(each.said(features, scores) for each in self.conditions if not each.holds(features, scores, None))


class Holdout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The visitors who are decided for but never shown anything, so that lift can be measured."""

    share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    salt: Annotated[str, msgspec.Meta(min_length=1)]
    """Changing it draws the holdout anew."""


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[budget]]` of a policy file: what the offers of its rules may cost at most, all workers together, on a day of UTC."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    per_day: Annotated[float, msgspec.Meta(gt=0, le=1e12)]


class PolicyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A policy file as written."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    holdout: Holdout
    budget: list[Budget] = []
    rule: list[Rule]


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force. `version` is the name and a digest of what the file says, comments aside."""

    version: str
    holdout: Holdout
    rules: tuple[Rule, ...]
    budgets: Mapping[str, Budget]
    """By name."""

    @classmethod
    def load(cls, file: Path | None = None) -> Self:
        """The policy in a TOML file, by default the one that ships with Shopstream. Raises `PolicyError`."""
        file = file or DEFAULT_FILE
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(
                f"the policy {file} cannot be read: {error}; set SHOPSTREAM_PROCESS_POLICY_FILE to a TOML file, or leave it "
                "empty for the policy that ships"
            ) from error
        try:
            return cls.of_text(text)
        except PolicyError as error:
            raise PolicyError(f"{file}: {error}") from error

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The policy in a TOML text. Raises `PolicyError`."""
        try:
            said = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"this is not TOML: {error}") from error
        try:
            policy = msgspec.convert(said, PolicyFile)
        except msgspec.ValidationError as error:
            raise PolicyError(_located(str(error), said)) from error
        budgets = _budgets_of(policy)
        names: set[str] = set()
        for rule in policy.rule:
            _require_sound(rule)
            if rule.name in names:
                raise PolicyError(
                    f"two rules are named `{rule.name}`; an incentive's id comes from its rule's name: rename one"
                )
            names.add(rule.name)
        digest = blake2b(msgspec.json.encode(said, order="sorted"), digest_size=4).hexdigest()
        return cls(f"{policy.name}-{digest}", policy.holdout, tuple(policy.rule), budgets)

    def rule_for(self, features: SessionFeatures, scores: Scores, known: frozenset[str] | None = None) -> Rule | None:
        """The first rule that fits. `known` names the fields of `SessionFeatures` that may be believed; by default all."""
        return next(self.fitting(features, scores, known), None)

    def fitting(self, features: SessionFeatures, scores: Scores, known: frozenset[str] | None = None) -> Iterator[Rule]:
        """The rules that fit, in the order of the file."""
        return (rule for rule in self.rules if rule.fits(features, scores, known))

    def arm_of(self, visitor_id: str) -> Arm:
        """The visitor's arm: the same at every visit, until the salt or the share changes."""
        draw = blake2b(f"{self.holdout.salt}\x1f{visitor_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return "holdout" if int.from_bytes(draw, "big") < self.holdout.share * 2**64 else "treatment"


def _condition(name: str, value: Bounds | list[str]) -> Condition:
    if name in TEXTS:
        if not isinstance(value, list):
            raise PolicyError(f"`when.{name}` takes a list of words, of: {', '.join(TEXTS[name])}")
        if unknown := [word for word in value if word not in TEXTS[name]]:
            raise PolicyError(f"`when.{name}` knows no {', '.join(unknown)}; it takes: {', '.join(TEXTS[name])}")
        return Condition(name, name in OF_SCORES, attrgetter(name), frozenset(value), 0, 0)
    if name not in NUMBERS:
        near = get_close_matches(name, [*TEXTS, *NUMBERS], 1)
        hint = f"did you mean `{near[0]}`?" if near else f"conditions are: {', '.join(sorted([*TEXTS, *NUMBERS]))}"
        raise PolicyError(f"`when.{name}` is no condition; {hint}")
    if isinstance(value, list) or (value.at_least is None and value.below is None):
        raise PolicyError(f"`when.{name}` takes bounds, as in {{ at_least = 1, below = 5 }}")
    at_least = float("-inf") if value.at_least is None else value.at_least
    below = float("inf") if value.below is None else value.below
    if not at_least < below:
        raise PolicyError(f"`when.{name}` can never hold: at_least {at_least:g} is not under below {below:g}")
    return Condition(name, name in OF_SCORES, attrgetter(name), None, at_least, below)


def _require_sound(rule: Rule) -> None:
    try:
        _ = rule.conditions
    except PolicyError as error:
        raise PolicyError(f"rule `{rule.name}`: {error}") from error
    if rule.action == "discount" and not rule.discount:
        raise PolicyError(f"rule `{rule.name}`: a discount needs `discount`, in percent")
    if rule.action != "discount" and rule.discount:
        raise PolicyError(f"rule `{rule.name}`: `discount` is only for action discount; {rule.action} has none")
    if rule.action != "nothing" and not rule.message:
        raise PolicyError(f"rule `{rule.name}`: `message` is missing, what the shopper is told")


def _budgets_of(policy: PolicyFile) -> dict[str, Budget]:
    budgets = {budget.name: budget for budget in policy.budget}
    if len(budgets) < len(policy.budget):
        raise PolicyError("two budgets have the same name; rename one")
    for rule in policy.rule:
        if rule.budget is None:
            if rule.cost:
                raise PolicyError(f"rule `{rule.name}`: `cost` is only for a rule with a `budget`")
            continue
        if rule.action == "nothing":
            raise PolicyError(f"rule `{rule.name}`: it offers nothing, and nothing needs no budget")
        if rule.budget not in budgets:
            raise PolicyError(
                f"rule `{rule.name}`: there is no [[budget]] named `{rule.budget}`; add one, or correct the name"
            )
        per_day = budgets[rule.budget].per_day
        if not 0 < rule.cost <= per_day:
            raise PolicyError(
                f"rule `{rule.name}`: `cost` is {rule.cost:g}; it takes the most that one offer can cost the shop, above 0 and at "
                f"most the budget's {per_day:g} a day"
            )
    if unused := budgets.keys() - {rule.budget for rule in policy.rule}:
        raise PolicyError(f"no rule draws on budget `{min(unused)}`; name it in a rule's `budget`, or remove it")
    return budgets


def _located(problem: str, said: dict[str, Any]) -> str:
    """msgspec's sentence, with the name of the rule it is about."""
    rules = said.get("rule")
    if isinstance(rules, list):
        for place, rule in enumerate(rules):
            if f"$.rule[{place}]" in problem and isinstance(rule, dict):
                return f"rule `{rule.get('name', place + 1)}`: {problem}"
    return problem
