"""A report is a pure function of what a journal tells: complete, bounded, and harmless whatever is in it."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bus.journal import Journal
from bus.records import Entry
from bus.run import RunFolder
from observers.costs import Cost
from observers.inbox import Request, Settlement
from observers.recoveries import Recovery
from observers.report.attempts import Attempts
from observers.report.page import MOST_ATTEMPTS, render
from observers.report.reading import read
from observers.report.scale import duration, scale
from observers.report.sequence import MOST_LIFELINES, diagram
from observers.report.timeline import MOST_BARS, WIDTH, timeline
from observers.report.values import (
    Agent,
    Artifact,
    Attempt,
    Audit,
    Costs,
    Fate,
    Judgement,
    RunReport,
    Said,
    Talk,
    Unbegun,
)
from observers.verify import Finding
from protocol.bodies import Answer, Control, Decision, File, Plan, Setting, TaskAssignment, Verb, VerdictReport
from protocol.errors import JournalError
from protocol.failures import Kind
from protocol.messages import Mark, Message, MessageType
from protocol.topics import EVERYONE, GATEKEEPER, HUMAN, SUPERVISOR, TECH_LEAD
from scenarios.rehearsal import Died, Rehearsed
from tests.asking import STUCK, escalated, leave, started, stopped_run
from tests.builders import message
from tests.cases import ROOT
from tests.coordinators.play import task
from tests.observers.test_recoveries import carried_out, failing, wrong
from tests.scenarios.plays import writes

NOW_NS = 1_800_000_000_000_000_000
S = 1_000_000_000
HOSTILE = "</svg></style><script>alert(1)</script>\u202e\x1b[31m\" onload='x' {{ 7*7 }}&amp;"
SHA = "ab" * 32
TEMPLATE = (ROOT / "observers" / "report" / "page.html.jinja").read_text(encoding="utf-8")


def attempt(number: int, *, fate: Fate = Fate.ACCEPTED, agent: str = "@worker", lasts_s: int = 1) -> Attempt:
    begun_ns = NOW_NS + number * S
    return Attempt(
        task=f"task/{number}",
        title="a title",
        agent=agent,
        number=1,
        at=number,
        assigned_ns=begun_ns,
        claimed_ns=begun_ns,
        ended_ns=begun_ns + lasts_s * S,
        fate=fate,
    )


def a_report(*attempts: Attempt, **more: object) -> RunReport:
    told = RunReport(
        run="one",
        folder="one",
        scenario="a scenario",
        stands="done",
        why="",
        entries=9,
        head="00" * 32,
        began_ns=NOW_NS,
        ended_ns=max([NOW_NS, *(one.ended_ns for one in attempts)]),
        now_ns=NOW_NS,
        accepted=0,
        tasks=len(attempts),
        attempts=attempts,
    )
    return replace(told, **more)  # type: ignore[arg-type]


def a_run(folder: Path, rehearsed: Rehearsed) -> RunFolder:
    """Return the folder of a run that was rehearsed."""
    run = RunFolder(folder / "rehearsed")
    run.create()
    journal = Journal(run.journal)
    journal.append([(entry.topic, entry.document) for entry in rehearsed.entries])
    journal.close()
    return run


def fates(told: RunReport) -> list[tuple[str, int | None, Fate]]:
    return [(one.task, one.number, one.fate) for one in told.attempts if not one.is_mission]


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_each_attempt_is_told_with_who_had_it_and_what_became_of_it(tmp_path: Path) -> None:
    run = a_run(tmp_path, carried_out(tmp_path, failing(wrong("no such column"), Died("the power went"))))
    told = read(run, NOW_NS)
    assert fates(told) == [("a", 1, Fate.REJECTED), ("a", 2, Fate.LOST), ("a", 3, Fate.ACCEPTED)]
    first = next(one for one in told.attempts if not one.is_mission)
    assert first.judgement is not None
    assert first.judgement.marks[3] == Mark.REJECTED.value
    assert "no such column" in first.judgement.reason
    assert first.assigned_ns <= first.claimed_ns < first.ended_ns
    assert (told.stands, told.accepted, told.tasks) == ("done", 1, 1)
    assert [one.kind for one in told.recoveries] == [Kind.REJECTED, Kind.LOST]


def test_a_verdict_that_came_after_the_loss_does_not_make_the_attempt_an_accepted_one() -> None:
    passed = VerdictReport(decision=Decision.PASS, judged="m2", reason="good", description="done")
    said = [
        message(MessageType.TASK_ASSIGNMENT, TaskAssignment(title="t", skill="s", folder="t"), "m1", attempt=1),
        message(MessageType.VERDICT, passed, "m3", attempt=1),
    ]
    attempts = Attempts()
    for sequence, one in enumerate(said, 1):
        attempts.hear(Entry(sequence * 10, sequence, "t/x", b""), one)
    loss = Recovery(task="t", attempt=1, kind=Kind.LOST, reason="", agent="@worker", failed_at=15, failed_ns=15)
    [told] = attempts.all([loss], is_open=False, is_over=True)
    assert told.fate is Fate.LOST


def test_what_the_mission_brought_is_told_apart_from_what_it_was_made_of(tmp_path: Path) -> None:
    rehearsed = carried_out(tmp_path, writes, task("a"), task("b", "a"))
    told = read(a_run(tmp_path, rehearsed), NOW_NS)
    assert [(one.task, one.agent, one.is_result) for one in told.artifacts] == [
        ("b", "@worker", True),
        ("a", "@worker", False),
    ]
    assert [one.is_kept for one in told.artifacts] == [False, False]  # the run's own store is empty here


def test_of_a_run_that_was_stopped_it_is_told_what_nobody_finished(tmp_path: Path) -> None:
    given = TaskAssignment(title="t", skill="s", folder="mission/t")
    said = message(MessageType.TASK_ASSIGNMENT, given, "t-1", sender="@lead", recipient="@worker", task="t", attempt=1)
    again = said.model_copy(update={"id": "t-2", "attempt": 2})
    told = read(stopped_run(tmp_path / "run", started(), _of_mission(said), _of_mission(again)), NOW_NS)
    assert told.stands == "stopped: orchestra resume"
    assert fates(told) == [("t", 1, Fate.WITHDRAWN), ("t", 2, Fate.WAITING)]


def _of_mission(said: Message) -> Message:
    return said.model_copy(update={"parent_task": "mission"})


def test_what_people_were_asked_is_told_with_what_they_said(tmp_path: Path) -> None:
    answer = Answer(choice="skip", text="not today", person="anna")
    said = message(MessageType.ANSWER, answer, "a-1", sender=HUMAN, recipient=TECH_LEAD, cause=STUCK, task="extract/1")
    told = read(stopped_run(tmp_path / "run", started(), leave(), escalated(), said), NOW_NS)
    assert [(one.task, one.settlement is not None) for one in told.requests] == [("deploy", False), ("extract/1", True)]
    page = Seen(render(told)).text
    assert "skip by anna: not today" in page
    assert "not answered yet" in page


def test_a_person_who_cancels_is_told_though_nobody_asked(tmp_path: Path) -> None:
    settings = (Setting(name="person", value="anna"), Setting(name="reason", value="too slow"))
    body = Control(verb=Verb.CANCEL, subject="deploy", settings=settings)
    cancelled = message(MessageType.CONTROL, body, "c-1", sender=HUMAN, recipient="@lead", task="deploy")
    told = read(stopped_run(tmp_path / "run", started(), cancelled), NOW_NS)
    assert "cancel deploy by anna: too slow" in Seen(render(told)).text


def test_a_fork_names_its_parent(tmp_path: Path) -> None:
    body = Control(verb=Verb.FORK, subject="elsewhere", settings=(Setting(name="at", value="12"),))
    forked = message(MessageType.CONTROL, body, "fork", sender=SUPERVISOR, recipient=EVERYONE, task="run")
    assert read(stopped_run(tmp_path / "run", started(), forked), NOW_NS).parent == "elsewhere, after entry 12"


def test_a_journal_that_is_damaged_is_told_up_to_the_damage(tmp_path: Path) -> None:
    run = stopped_run(tmp_path / "run", started())
    whole = read(run, NOW_NS).entries
    journal = Journal(run.journal)
    journal.append([("everyone/control", b"<agent-message>no</agent-message>")])
    journal.close()
    told = read(run, NOW_NS)
    assert (told.entries, told.stands) == (whole, "damaged")
    assert told.damage.startswith(f"entry {whole + 1} is no message")
    assert f"could be read up to entry {whole} only" in Seen(render(told)).text


def test_a_run_of_which_nothing_can_be_read_is_said_to_be_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create()
    with pytest.raises(JournalError, match="its journal is empty"):
        read(run, NOW_NS)


def test_nothing_that_comes_from_a_run_becomes_markup_or_acts_on_the_screen() -> None:
    page = render(_hostile())
    seen = Seen(page)
    assert "script" not in seen.tags
    assert seen.tags.count("style") == 1
    # No attribute ends before its end: all there are stand in the template.
    assert {name for name, _ in seen.attributes} <= set(re.findall(r'([\w:-]+)="', TEMPLATE.lower()))
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "\\u202e\\x1b[31m" in seen.text
    assert "{{ 7*7 }}&amp;" in seen.text  # as it was written, not as a template or as HTML would have it
    assert "49" not in re.sub(r"[0-9a-f]{20,}", "", seen.text.replace("{{ 7*7 }}", ""))


def _hostile() -> RunReport:
    judgement = Judgement(3, Decision.REJECT, (HOSTILE,) * 5, HOSTILE, (HOSTILE, HOSTILE))
    tried = replace(attempt(1, fate=Fate.REJECTED, agent=HOSTILE), task=HOSTILE, title=HOSTILE, strategy=HOSTILE)
    file = File.model_construct(path=HOSTILE, sha256=HOSTILE, bytes=1, media_type=HOSTILE, summary=HOSTILE)
    request = Request(
        id=HOSTILE,
        run=HOSTILE,
        kind=MessageType.QUESTION,
        sender=HOSTILE,
        task=HOSTILE,
        question=f"{HOSTILE}\n{HOSTILE}",
        options=(HOSTILE,),
        asked_ns=NOW_NS,
    )
    failed = Recovery(
        task=HOSTILE, attempt=1, kind=None, reason=HOSTILE, agent=HOSTILE, failed_at=1, failed_ns=NOW_NS,
        decision=HOSTILE, decided_by=HOSTILE, next_agent="@x",
    )  # fmt: skip
    cost = (Cost(HOSTILE, 1, 1, 1, 0, 1),)
    said = Said(1, 1, NOW_NS, HOSTILE, f"@{HOSTILE}", MessageType.ESCALATION, HOSTILE, HOSTILE)
    return a_report(
        replace(tried, judgement=judgement),
        run=HOSTILE,
        folder=HOSTILE,
        scenario=HOSTILE,
        stands=HOSTILE,
        why=HOSTILE,
        parent=HOSTILE,
        damage=HOSTILE,
        kinds=((HOSTILE, 1),),
        agents=(Agent(name=HOSTILE, role=HOSTILE, instances=1, sent=1, attempts={Fate.LOST: 1}),),
        unbegun=(Unbegun(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        talk=Talk((said,)),
        words=(said,),
        requests=(request, replace(request, settlement=Settlement(HOSTILE, HOSTILE, HOSTILE, NOW_NS, 1))),
        recoveries=(failed,),
        artifacts=(Artifact(file, HOSTILE, HOSTILE, True, False),),
        costs=Costs(cost, cost, cost),
        audit=Audit(Finding(9, 1, 0, 1, HOSTILE), None, (HOSTILE,), (), HOSTILE),
    )


def test_the_page_asks_nobody_for_anything() -> None:
    page = render(a_report(attempt(1)))
    assert "default-src 'none'" in page
    seen = Seen(page)
    assert {"script", "img", "iframe", "object", "form", "base"}.isdisjoint(seen.tags)
    linked = [
        value or "" for name, value in seen.attributes if name in ("href", "src", "srcset", "action", "xlink:href")
    ]
    assert all(value.startswith("#") or value == "data:," for value in linked)
    assert not re.search(r"url\((?!#)|@import", page)


def test_the_same_report_is_the_same_page() -> None:
    assert render(_hostile()) == render(_hostile())


def test_ten_thousand_tasks_make_a_page_that_can_still_be_opened() -> None:
    attempts = [attempt(number, lasts_s=number % 7) for number in range(10_000)]
    attempts[7_000] = attempt(7_000, fate=Fate.REJECTED)
    artifacts = tuple(
        Artifact(File(path=f"mission/{n}/o.txt", sha256=SHA, bytes=n), f"task/{n}", "@worker", False)
        for n in range(10_000)
    )
    page = render(a_report(*attempts, artifacts=artifacts))
    assert len(page) < 2_000_000
    text = Seen(page).text
    assert f"{MOST_ATTEMPTS} of 10,000 attempts are shown" in text
    assert "200 of 10,000 files are shown" in text
    assert "task/7000" in text  # what failed is shown before what did not


def test_a_text_that_is_long_is_cut_and_says_so() -> None:
    judgement = Judgement(3, Decision.REJECT, (), "x" * 5_000, ())
    page = render(a_report(replace(attempt(1, fate=Fate.REJECTED), judgement=judgement)))
    assert "… (4,400 more characters)" in Seen(page).text


def test_a_price_that_is_not_known_is_not_zero() -> None:
    known, unknown = Cost("@a", 1, 5, 6, 1_500_000_000, 0), Cost("@b", 2, 7, 8, 0, 2)
    costs = Costs((known, unknown), (), ())
    text = Seen(render(a_report(costs=costs))).text
    assert "1.50 USD and 2 calls of unknown price" in text
    assert re.search(r"@b\s*2\s*7\s*8\s*unknown", text)
    assert "No model was called: 0.00 USD" in Seen(render(a_report())).text


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (Finding(9, 1, 9), "9 entries, chained and unchanged; sealed up to 9"),
        (Finding(9, 0, 0), "no seal vouches for them"),
        (Finding(9, 2, 5), "4 entries: chained, but nobody vouches for their end"),
        (Finding(9, 1, 4, 5, "it was changed"), "Entry 5 and what follows cannot be trusted: it was changed"),
    ],
)
def test_the_page_says_what_an_audit_says(finding: Finding, words: str) -> None:
    assert words in " ".join(Seen(render(a_report(audit=Audit(finding)))).text.split())


def test_a_timeline_has_a_lane_for_each_agent_and_a_bar_for_each_attempt() -> None:
    told = a_report(attempt(0), attempt(0, fate=Fate.REJECTED), attempt(3, agent="@other"))
    drawn = timeline(told)
    assert [(lane.name, lane.note, len(lane.bars)) for lane in drawn.lanes] == [
        ("@worker", "1 of 2 accepted", 2),
        ("@other", "1 of 1 accepted", 1),
    ]
    first, second = drawn.lanes[0].bars
    assert first.x == second.x
    assert first.y != second.y  # at the same time: one below the other
    assert drawn.lanes[1].bars[0].x > first.x + first.width
    assert (drawn.left_out, drawn.lanes_left_out) == (0, 0)


def test_a_timeline_leaves_out_the_shortest_and_says_how_many_but_nothing_that_failed() -> None:
    attempts = [attempt(number, lasts_s=2 if number == 5 else 1) for number in range(MOST_BARS * 2)]
    attempts[900] = attempt(900, fate=Fate.LOST, lasts_s=0)
    drawn = timeline(a_report(*attempts))
    [lane] = drawn.lanes
    assert (drawn.shown, drawn.left_out) == (MOST_BARS, MOST_BARS)
    told = [bar.told for bar in lane.bars]
    assert any(text.startswith("task/900, attempt 1: lost") for text in told)
    assert any(text.startswith("task/5,") for text in told)
    assert lane.busy  # when the agent was at work is shown all the same
    assert all(bar.x + bar.width <= WIDTH for bar in lane.bars)


def test_a_timeline_begins_with_the_first_attempt_and_counts_from_the_first_entry() -> None:
    drawn = timeline(a_report(attempt(100), attempt(110)))
    assert drawn.lanes[0].bars[0].x < 20
    assert drawn.ticks[0].label.startswith("+1 min 40")


def test_a_night_in_which_nothing_happened_takes_no_room() -> None:
    evening, morning = [0, 10 * S], [36_000 * S, 36_010 * S]
    scaled = scale([*evening, *morning], [], 0, 1000)
    assert [tick.label for tick in scaled.breaks] == ["9 h 59 min"]
    assert scaled.x(10 * S) > 450
    assert scaled.x(36_000 * S) < 550
    assert scaled.x(18_000 * S) == scaled.breaks[0].x
    assert [scaled.x(0), scaled.x(36_010 * S)] == [0, 1000]


def test_a_night_in_which_somebody_worked_is_drawn() -> None:
    assert scale([0, 10 * S, 36_000 * S, 36_010 * S], [(5 * S, 36_001 * S)], 0, 1000).breaks == ()


@pytest.mark.parametrize("span_s", [0, 1, 59, 600, 86_400, 10**9])
def test_an_axis_has_some_marks_and_not_too_many(span_s: int) -> None:
    ticks = scale([NOW_NS, NOW_NS + span_s * S], [], 0, 960).ticks()
    assert 1 <= len(ticks) <= 12
    assert ticks[0].label == "0"
    assert len({tick.label for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("span_ns", "words"),
    [
        (0, "0 ms"),
        (5, "under 1 ms"),
        (340_000_000, "340 ms"),
        (5 * S, "5 s"),
        (5_120_000_000, "5.1 s"),
        (125 * S, "2 min 5 s"),
        (7_200 * S, "2 h"),
        (90_000 * S, "1 d 1 h"),
    ],
)
def test_a_length_of_time_is_told_in_the_units_people_use(span_ns: int, words: str) -> None:
    assert duration(span_ns) == words


def said(number: int, sender: str = "@a", heard_by: str = "@b", **more: object) -> Said:
    one = Said(number, number, NOW_NS + number, sender, heard_by, MessageType.STATUS, "t", "")
    return replace(one, **more)  # type: ignore[arg-type]


def test_a_message_is_an_arrow_between_two_lifelines_in_the_journals_order() -> None:
    drawn = diagram(Talk((said(1), said(2, "@b", "@a"))), NOW_NS)
    assert [line.name for line in drawn.lifelines] == ["@a", "@b"]
    [strip] = drawn.strips
    first, second = strip.arrows
    assert (first.start, first.end) == (second.end, second.start)
    assert first.y < second.y


def test_what_is_left_out_of_the_diagram_is_counted_where_it_is_left_out() -> None:
    [strip] = diagram(Talk((said(1), said(500)), left_out=498), NOW_NS).strips
    assert [gap.messages for gap in strip.gaps] == [498]


def test_many_agents_share_a_lifeline_and_a_person_never_does() -> None:
    talk = Talk((*(said(number, f"@a{number % 50}") for number in range(1, 200)), said(200, "@b", HUMAN)))
    drawn = diagram(talk, NOW_NS)
    names = [line.name for line in drawn.lifelines]
    assert len(names) <= MOST_LIFELINES + 1
    assert names[-1] == "others"
    assert HUMAN in names


def test_a_long_talk_is_cut_into_strips_that_fit_a_page() -> None:
    drawn = diagram(Talk(tuple(said(number) for number in range(1, 101))), NOW_NS)
    assert len(drawn.strips) == 5
    assert max(strip.height for strip in drawn.strips) < 1000
    assert sum(len(strip.arrows) for strip in drawn.strips) == 100


def test_of_many_messages_the_first_the_last_and_those_that_tell_of_trouble_are_shown(tmp_path: Path) -> None:
    rehearsed = carried_out(
        tmp_path, failing(*(wrong(str(number)) for number in range(2))), *(task(f"t{n}") for n in range(60))
    )
    told = read(a_run(tmp_path, rehearsed), NOW_NS)
    assert told.talk.left_out > 0
    assert len(told.talk.shown) + told.talk.left_out + told.talk.folded == told.entries
    assert [one.sequence for one in told.talk.shown] == sorted(one.sequence for one in told.talk.shown)
    rejected = [one for one in told.talk.shown if one.decision is Decision.REJECT]
    assert len(rejected) == 2
    # A result is heard by the gatekeeper, whoever it is for.
    assert {one.heard_by for one in told.talk.shown if one.type is MessageType.TASK_COMPLETION} == {GATEKEEPER}


def test_a_plan_that_grows_is_one_attempt_of_its_coordinator(tmp_path: Path) -> None:
    body = TaskAssignment(title="chat", skill="run-plan", folder="mission", plan=Plan())
    first = message(MessageType.TASK_ASSIGNMENT, body, "p-1", sender=TECH_LEAD, recipient="@lead", task="mission")
    grown = first.model_copy(update={"id": "p-2"})
    told = read(stopped_run(tmp_path / "run", started(), first, grown), NOW_NS)
    assert [(one.task, one.fate, one.is_mission) for one in told.attempts] == [("mission", Fate.UNFINISHED, True)]


PAIRS = [
    *[(text, ground) for text in ("ink", "soft", "link") for ground in ("page", "tint")],
    *[(tone, "page") for tone in ("green", "red", "amber", "violet", "blue", "grey", "teal")],
    *[("on", tone) for tone in ("green", "red", "amber", "violet", "blue", "grey", "teal")],
]


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_text_stands_out_from_its_ground(theme: int) -> None:
    style = (ROOT / "observers" / "report" / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})\b", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme]))
    for text, ground in PAIRS:
        # WCAG 2.2, 1.4.3: at least 4.5 to 1.
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
