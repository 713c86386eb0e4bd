"""`shopstream replay --compare`: recorded topics folded and scored again, beside what the stream told of them."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from contracts.topics import DECISIONS, EVENTS, SESSION_FEATURES
from models.comparison import Comparison, Extent, Story, Told
from models.serving import Scorer
from runtime.recordings import Part


class _Owner(msgspec.Struct):
    visitor_id: str


_OWNER = msgspec.json.Decoder(_Owner)


def compare(recorded: Iterable[dict[str, Part]], scorers: list[Scorer], gap: timedelta) -> Comparison:
    """Compare every visitor of a recording. The first of the scorers stands in for models that are not among them."""
    comparison = Comparison({each.card.model_version: each for each in scorers}, gap)
    for parts in recorded:
        extent = extent_of(parts)
        for story in stories_of(parts):
            comparison.add(story, extent)
    comparison.finish()
    return comparison


def extent_of(parts: dict[str, Part]) -> Extent:
    """What can be asked of one partition's recording."""
    events, features, decisions = (parts[topic.name] for topic in (EVENTS, SESSION_FEATURES, DECISIONS))
    told_from = 0
    if features.start and features.records:  # retention has taken older features: ask only for what was told since
        since = features.records[0].at_ms
        told_from = next((each.offset for each in events.records if each.at_ms >= since), events.done)
    elif features.start:
        told_from = events.done
    scored = features.done or None  # a stream that decides where it folds does not read its features again
    if decisions.start:  # decisions are kept longer than features; whoever chose otherwise is asked for less
        scored = 0
    return Extent(folded=events.done, scored=scored, told_from=told_from, is_whole=events.start == 0)


def stories_of(parts: dict[str, Part]) -> Iterator[Story]:
    """The visitors of one partition, each with all their records."""
    stories: dict[str, Story] = {}
    for topic in (EVENTS.name, SESSION_FEATURES.name, DECISIONS.name):
        for record in parts[topic].records:
            if record.value is None:
                continue
            try:
                visitor_id = _OWNER.decode(record.value).visitor_id
            except (msgspec.MsgspecError, UnicodeError, RecursionError):  # a dead letter of the stream
                continue
            story = stories.get(visitor_id)
            if story is None:
                story = stories[visitor_id] = Story(visitor_id)
            kept = {EVENTS.name: story.events, SESSION_FEATURES.name: story.features}.get(topic, story.decisions)
            kept.append(Told(record.offset, record.value))
    return iter(stories.values())


def verdict(found: Comparison) -> Iterator[str]:
    """What to tell people, line by line."""
    older = f" ({found.older:,} visitors are older than the recording and were left out)" if found.older else ""
    yield (
        f"{found.events:,} events of {found.visitors:,} visitors give {found.sessions:,} sessions{older}; "
        f"{found.features:,} records of features and {found.decisions:,} decisions compared"
    )
    if found.waiting:
        yield f"{found.waiting:,} of the events wait to be folded; what they lead to was not asked for"
    if not found.features:
        yield "nothing was compared: the stream has not told any features yet"
    if not found.differing:
        yield "all are equal, bit by bit"
        return
    yield f"{found.differing:,} differ:"
    for (topic, name), count in found.differences.most_common():
        yield f"  {topic} {name}: {count:,}"
    yield f"the first {len(found.first)}:"
    for difference in found.first:
        yield f"  {difference}"
