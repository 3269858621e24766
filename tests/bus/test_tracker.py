"""Gaps: what a subscriber has to read before it may deliver, told from frames alone."""

from hypothesis import given
from hypothesis import strategies as st

from bus.door import Door
from bus.memory import MemoryStore
from bus.sequencer import Quarantine, Sequencer
from bus.subscriber import Tracker
from bus.wire import Beacon, Live

INBOXES = ("lead", "worker", "everyone")


def live(topic: str, first: int, previous: int, everyone: int, count: int = 1) -> Live:
    return Live(topic, 1, first, previous, everyone, 0, (b"",) * count)


def test_consecutive_frames_leave_nothing_missing() -> None:
    tracker = Tracker("lead", 0)
    assert tracker.missing_before(live("lead/status", 5, 0, 0)) == 0
    tracker.position = 5
    assert tracker.missing_before(live("lead/status", 9, 5, 3)) == 0


def test_a_dropped_frame_of_the_inbox_is_noticed() -> None:
    tracker = Tracker("lead", 5)
    assert tracker.missing_before(live("lead/status", 12, 9, 0)) == 11


def test_a_dropped_frame_for_everyone_is_noticed_too() -> None:
    tracker = Tracker("lead", 5)
    assert tracker.missing_before(live("lead/status", 12, 5, 8)) == 11


def test_a_lost_tail_is_noticed_by_the_beacon() -> None:
    tracker = Tracker("lead", 5)
    assert tracker.missing_before(Beacon(1, 20, {"lead": 5, "worker": 20})) == 0
    assert tracker.missing_before(Beacon(1, 20, {"lead": 17})) == 20
    assert tracker.missing_before(Beacon(1, 20, {"everyone": 6})) == 20


def test_who_hears_everything_misses_any_number() -> None:
    tracker = Tracker(None, 5)
    assert tracker.missing_before(live("lead/status", 6, 1, 1)) == 0
    assert tracker.missing_before(live("lead/status", 8, 1, 1)) == 7


@given(st.lists(st.sampled_from(INBOXES), min_size=1, max_size=60), st.data())
def test_whatever_is_dropped_every_entry_is_delivered_once_and_in_order(
    inboxes: list[str], data: st.DataObject
) -> None:
    store = MemoryStore(lambda: 0)
    sequencer = Sequencer(store, Door(), mission="t", quarantine=Quarantine(None))
    frames: list[Live | Beacon] = []
    for inbox in inboxes:
        frames += sequencer.frames(store.append([(f"{inbox}/status", b"x")]), 1, 32)
    frames.append(Beacon(1, len(inboxes), dict(sequencer.last)))
    dropped = data.draw(st.sets(st.integers(0, len(frames) - 2)))
    tracker, delivered = Tracker("lead", 0), []
    for number, frame in enumerate(frames):
        if number in dropped or not (isinstance(frame, Beacon) or tracker.concerns(frame.topic)):
            continue
        upto = tracker.missing_before(frame)
        caught = [e.sequence for e in store.entries[tracker.position : upto] if tracker.concerns(e.topic)]
        heard = [] if isinstance(frame, Beacon) else [e.sequence for e in frame.entries()]
        delivered += caught + [s for s in heard if s not in caught]
        tracker.position = max(frame.head if isinstance(frame, Beacon) else heard[-1], upto, tracker.position)
    assert delivered == [e.sequence for e in store.entries if tracker.concerns(e.topic)]
