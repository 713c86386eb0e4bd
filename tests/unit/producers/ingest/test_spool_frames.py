"""The bytes of the spool: whatever is cut off or flipped, no other frame suffers, and it is seen."""

from hypothesis import given
from hypothesis import strategies as st

from producers.ingest.spool_frames import HEAD_BYTES, MARK, Damage, Frame, TornTail, framed, pieces_of

# Text as JSON has it, and now and then what only a forger would send.
payloads = st.one_of(st.text(max_size=60).map(str.encode), st.just(MARK * 3), st.binary(max_size=40))
batches = st.lists(st.builds(Frame, st.integers(0, 2_500), payloads), max_size=8)


def written(frames: list[Frame]) -> bytes:
    return b"".join(map(framed, frames))


@given(batches)
def test_what_was_written_is_read_in_order(frames: list[Frame]) -> None:
    assert list(pieces_of(written(frames))) == frames


@given(batches, st.data())
def test_any_cut_leaves_a_prefix_and_says_that_a_tail_is_torn(frames: list[Frame], data: st.DataObject) -> None:
    whole = written(frames)
    cut = data.draw(st.integers(0, len(whole)))
    pieces = list(pieces_of(whole[:cut]))
    read = [piece for piece in pieces if isinstance(piece, Frame)]
    assert read == frames[: len(read)]
    tail = cut - len(written(read))
    assert pieces[len(read) :] == ([TornTail(cut - tail, cut)] if tail else [])
    assert tail < HEAD_BYTES + 240


@given(batches.filter(bool), st.data())
def test_any_flipped_bit_costs_one_frame_and_is_seen(frames: list[Frame], data: st.DataObject) -> None:
    whole = bytearray(written(frames))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    hit = next(number for number in range(len(frames)) if at < len(written(frames[: number + 1])))
    start, end = len(written(frames[:hit])), len(written(frames[: hit + 1]))
    assert list(pieces_of(bytes(whole))) == [*frames[:hit], Damage(start, end), *frames[hit + 1 :]]


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_to_their_end(data: bytes) -> None:
    pieces = list(pieces_of(data))
    assert bool(pieces) == bool(data)
    assert all(isinstance(piece, Frame) or piece.start < piece.end <= len(data) for piece in pieces)
