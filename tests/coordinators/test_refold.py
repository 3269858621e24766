"""Refold: a coordinator fed its journal again says the same, says what is missing, or stops with a diff."""

import pytest

from bus.memory import MemoryBus
from coordinators.coordinator import Coordinator
from coordinators.fold import Heard, say
from coordinators.refold import refold
from protocol.bodies import Decision, File, Plan, PlannedTask, TaskAssignment, VerdictReport
from protocol.decoder import decode
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
