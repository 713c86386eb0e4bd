"""States that Kafka has not acknowledged yet."""

from collections import Counter, defaultdict


class Unsent:
    """The states that one step made, by partition, and what of them the shelves have to be told."""

    def __init__(self) -> None:
        self.states: defaultdict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        self.added: Counter[int] = Counter()
        """Visitors more than before; fewer where some were removed."""
        self.counts: Counter[int] = Counter()
        """Changelog records."""
        self.may_be_old = False
        """Whether partitions moved since the step, so that another worker may have written newer states meanwhile."""

    def put(self, partition: int, key: bytes, raw: bytes | None, added: int) -> None:
        self.states[partition][key] = raw
        self.added[partition] += added
        self.counts[partition] += 1


class AllUnsent:
    """Of all steps whose output is under way, and of the one that is being made: the newest state counts."""

    def __init__(self) -> None:
        self.newest = Unsent()
        self._under_way: list[Unsent] = []

    def take(self) -> Unsent:
        """The step is made; what comes belongs to the next."""
        taken, self.newest = self.newest, Unsent()
        self._under_way.append(taken)
        return taken

    def forget(self, acknowledged: Unsent) -> None:
        self._under_way.remove(acknowledged)

    def doubt(self) -> None:
        """Partitions move."""
        for each in (*self._under_way, self.newest):
            each.may_be_old = True

    def get(self, partition: int, key: bytes) -> bytes | None:
        """Raises `KeyError`."""
        for each in (self.newest, *reversed(self._under_way)):
            states = each.states.get(partition)
            if states is not None and key in states:
                return states[key]
        raise KeyError(key)
