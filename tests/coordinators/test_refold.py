"""Refold: a coordinator fed its journal again says the same, says what is missing, or stops with a diff."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import pytest

from bus.memory import MemoryBus
from bus.records import Entry
from coordinators.coordinator import Coordinator
from coordinators.fold import Draft, Heard, say
from coordinators.refold import refold
from protocol.bodies import (
    Action,
    Answer,
    Decision,
    File,
    Plan,
    PlannedTask,
    Report,
    Result,
    TaskAssignment,
    VerdictReport,
)
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import ReplayDifference
from protocol.messages import Message, MessageType
from protocol.topics import SUPERVISOR, TECH_LEAD
from tests.builders import introduce, message

PLAN = Plan(
    tasks=(
        PlannedTask(id="a", agent="@worker", skill="s", title="a"),
        PlannedTask(id="b", agent="@worker", skill="s", title="b", needs=("a",)),
    )
)
ASSIGNMENT = message(
    MessageType.TASK_ASSIGNMENT,
    TaskAssignment(title="m", skill="run-plan", folder="mission", plan=PLAN),
    "start",
    sender=TECH_LEAD,
    task="mission",
)


def verdict(name: str) -> Message:
    body = VerdictReport(
        decision=Decision.PASS, judged="r", reason="ok", description="", artifacts=(File(path=f"mission/{name}/x"),)
    )
    return message(MessageType.VERDICT, body, f"v-{name}", sender="@gatekeeper", task=name, attempt=1)


def worked(published: int | None = None) -> MemoryBus:
    """Return a bus on which a coordinator has worked; of what it said only so many messages were published."""
    bus = MemoryBus(clock_ns=lambda: 5_000)
    introduce(bus.publisher(SUPERVISOR))
    fold, said = Coordinator(TECH_LEAD), 0
    state, hearing = fold.start(), bus.subscriber("lead")
    for sender, heard in ((TECH_LEAD, ASSIGNMENT), ("@gatekeeper", verdict("a")), ("@gatekeeper", verdict("b"))):
        bus.publisher(sender).publish([heard])
        while (entry := hearing.receive()) is not None:
            state, spoken = say(fold, state, Heard(decode(entry.document), entry.recorded_ns), "@lead")
            for one, _ in spoken:
                said += 1
                if published is None or said <= published:
                    bus.publisher("@lead").publish([one])
    return bus


def test_a_whole_journal_gives_the_same_messages() -> None:
    again = refold(Coordinator(TECH_LEAD), "@lead", worked().entries)
    assert (again.compared, again.missing) == (3, [])


@pytest.mark.parametrize("published", [0, 1, 2])
def test_what_a_killed_coordinator_had_not_published_is_what_is_missing(published: int) -> None:
    again = refold(Coordinator(TECH_LEAD), "@lead", worked(published).entries)
    assert again.compared == published
    assert len(again.missing) == 3 - published


def test_other_words_than_the_recorded_ones_stop_it_with_a_diff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinators.drafts.TASK_S", 301)
    with pytest.raises(ReplayDifference) as difference:
        refold(Coordinator(TECH_LEAD), "@lead", worked_before(monkeypatch).entries)
    assert "-      <timeout-s>300</timeout-s>" in str(difference.value)
    assert "+      <timeout-s>301</timeout-s>" in str(difference.value)


def worked_before(monkeypatch: pytest.MonkeyPatch) -> MemoryBus:
    with monkeypatch.context() as then:
        then.setattr("coordinators.drafts.TASK_S", 300)
        return worked()


def test_a_message_it_would_not_say_again_stops_it() -> None:
    bus = worked()
    entries = [entry for entry in bus.entries if b"<message-id>v-a<" not in entry.document]
    with pytest.raises(ReplayDifference, match="would not say it again"):
        refold(Coordinator(TECH_LEAD), "@lead", entries)


class Counting:
    """A fold that answers every status with its number, in its own words."""

    version = "1"

    def __init__(
        self, words: Callable[[int, str], Sequence[str]] = lambda number, task: [f"{task} is {number}"]
    ) -> None:
        self._words = words

    def start(self) -> int:
        return 0

    def step(self, state: int, heard: Heard) -> tuple[int, tuple[Draft, ...]]:
        if heard.message.type is not MessageType.STATUS:
            return state, ()
        task = heard.message.task
        drafts = [
            Draft(recipient="@worker", type=MessageType.ANSWER, task=task[0], body=Answer(choice="noted", text=text))
            for text in self._words(state + 1, task)
        ]
        return state + 1, tuple(drafts)

    def set_aside(self, state: int, heard: Heard, reason: str) -> tuple[int, tuple[Draft, ...]]:
        return state, ()


def counted(*tasks: str) -> list[Entry]:
    """Return the journal of a coordinator that has heard a status of each task and answered it."""
    bus, fold, state = MemoryBus(clock_ns=lambda: 5_000), Counting(), 0
    introduce(bus.publisher(SUPERVISOR))
    hearing = bus.subscriber("lead", after=len(bus.entries))
    for task in tasks:
        report = Report(action=Action.PENDING, result=Result(success=True, description=task))
        bus.publisher("@worker").publish([message(MessageType.STATUS, report, f"s-{task}", task=task)])
        while (entry := hearing.receive()) is not None:
            state, spoken = say(fold, state, Heard(decode(entry.document), entry.recorded_ns), "@lead")
            bus.publisher("@lead").publish([one for one, _ in spoken])
    return bus.entries


def difference_of(fold: Counting, entries: Sequence[Entry]) -> ReplayDifference:
    with pytest.raises(ReplayDifference) as difference:
        refold(fold, "@lead", entries).check_nothing_more()
    return difference.value


def test_the_first_difference_says_where_and_on_hearing_what_and_what_to_do() -> None:
    entries = counted("a", "b", "c")
    found = difference_of(Counting(lambda number, task: [f"{task} is {'two' if number == 2 else number}"]), entries)
    at = next(entry.sequence for entry in entries if b"b is 2" in entry.document)
    assert (found.agent, found.sequence) == ("@lead", at)
    assert found.cause == f"entry {at - 1}, a status from @worker about task b"
    assert str(found).startswith(f"Entry {at}: @lead, on hearing entry {at - 1}, a status from @worker about task b, ")
    assert "give the rules another `version`, record tests again" in str(found)
    assert found.diff.splitlines()[0] == "--- as recorded"
    assert "-      <text>b is 2</text>" in found.diff
    assert "+      <text>b is two</text>" in found.diff


def test_a_message_that_was_said_later_than_it_would_be_now_is_found_with_its_like() -> None:
    def eager(number: int, task: str) -> list[str]:
        return ["a1 is 1", "a2 is 2"] if task == "a1" else []

    entries = counted("a1", "a2")
    first = next(entry.sequence for entry in entries if b">s-a1<" in entry.document)
    found = difference_of(Counting(eager), entries)
    assert f"would not say it again there; it would already have said the like on hearing entry {first}" in str(found)


def test_an_answer_that_stands_before_what_it_answers_is_a_difference() -> None:
    entries = counted("a", "b")
    asked = next(number for number, entry in enumerate(entries) if b">s-b<" in entry.document)
    entries[asked], entries[asked + 1] = entries[asked + 1], entries[asked]
    assert "which it had not heard by then" in str(difference_of(Counting(), entries))


def test_one_message_more_than_was_said_is_a_difference_once_something_later_was_said() -> None:
    def talkative(number: int, task: str) -> list[str]:
        return [f"{task} is {number}", "and more"] if task == "b" else [f"{task} is {number}"]

    found = difference_of(Counting(talkative), counted("a", "b", "c"))
    assert "would say one message more, the answer to @worker about task b, than it has said" in found.reason
    assert "+      <text>and more</text>" in found.diff


def test_what_is_more_at_the_end_is_missing_and_no_difference() -> None:
    twice = Counting(lambda number, task: [f"{task} is {number}"] * (2 if task == "b" else 1))
    again = refold(twice, "@lead", counted("a", "b"))
    again.check_nothing_more()
    assert (again.compared, len(again.missing)) == (2, 1)


def test_the_same_entries_in_another_order_are_a_difference() -> None:
    entries = counted("a", "b")
    first, second = (next(e for e in entries if f"s-{task}".encode() in e.document) for task in "ab")
    swapped = [second if entry is first else first if entry is second else entry for entry in entries]
    assert difference_of(Counting(), swapped).agent == "@lead"


def test_what_is_kept_does_not_grow_with_the_journal() -> None:
    def journal() -> Iterator[Entry]:
        for number in range(4_000):
            body = Report(action=Action.PENDING, question="x" * 4_000)
            one = message(MessageType.STATUS, body, f"s-{number}", task="t")
            yield Entry(number + 1, number + 1, "lead/status", encode(one))

    tracemalloc.start()
    try:
        again = refold(Counting(lambda number, task: []), "@lead", journal())
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert again.state == 4_000
    assert most_bytes < 2_000_000, "the journal has 17 MB"
