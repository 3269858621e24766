"""Templates for an agent: every type that it may send or get is valid, and the door would let it in."""

from collections.abc import Iterator
from functools import cache

import pytest
import xmlschema

from agents.definitions.definition import Definition, catalogue
from agents.exchange import heard_by, sent_by
from agents.teams import role_of
from agents.templates import message_of, template_for
from bus.door import Admitted, Door
from bus.roles import Role, objection
from protocol.bodies import Consent, Control, ErrorLevel, Report, TaskAssignment, Verb
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import DefinitionError
from protocol.messages import Message, MessageType
from protocol.schema import schema_bytes
from protocol.topics import TECH_LEAD, topic_of

ALL = catalogue()
OWN = Definition(
    name="own-1",
    description="d",
    role="r",
    skills=("schön!", "paint-walls"),
    tools=("Brush",),
    team="paint",
    model="opus",
)
FOREMAN = Definition(name="foreman", description="d", role="r", team="paint", leads="paint")
EVERYBODY = {**ALL, OWN.name: OWN, FOREMAN.name: FOREMAN}


@cache
def second_opinion() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(schema_bytes().decode())


def templates(name: str) -> Iterator[tuple[MessageType, Message]]:
    definition = EVERYBODY[name]
    for kind in MessageType:
        if kind in sent_by(definition) or kind in heard_by(definition):
            text = template_for(kind, name, EVERYBODY)
            second_opinion().validate(text)
            yield kind, decode(text.encode())


@pytest.mark.parametrize("name", EVERYBODY)
def test_every_template_of_an_agent_is_valid_and_would_be_admitted(name: str) -> None:
    door = Door()
    door.cast.update({f"@{one.name}": role_of(one) for one in EVERYBODY.values()})
    door.cast.update({"@recorder": Role.RECORDER, "@device-1": Role.DEVICE})
    found = dict(templates(name))
    assert found
    for kind, message in found.items():
        assert message.type is kind
        assert (
            f"@{name}" in (message.sender, message.recipient)
            or topic_of(message.recipient, kind.value) == f"{name}/{kind.value}"
        )
        assert isinstance(door.judge(encode(message), message.sender), Admitted), (
            kind,
            message.sender,
            message.recipient,
        )


@pytest.mark.parametrize("name", EVERYBODY)
def test_what_an_agent_may_neither_send_nor_get_is_refused_with_what_it_may(name: str) -> None:
    definition = EVERYBODY[name]
    possible = sent_by(definition).keys() | heard_by(definition).keys()
    for kind in set(MessageType) - possible:
        with pytest.raises(
            DefinitionError, match=f"^@{name} may neither send nor get {kind.value}; it sends: "
        ) as told:
            message_of(kind, name, EVERYBODY)
        assert all(one.value in str(told.value) for one in possible)


def test_what_an_agent_may_send_is_shown_as_it_sends_it_all_else_as_it_gets_it() -> None:
    assert message_of(MessageType.ESCALATION, "own-1", EVERYBODY).sender == "@own-1"
    assert message_of(MessageType.TASK_ASSIGNMENT, "own-1", EVERYBODY).recipient == "@own-1"
    assert message_of(MessageType.TASK_ASSIGNMENT, "foreman", EVERYBODY).sender == "@foreman"


def test_an_assignment_has_the_skill_the_folder_and_the_tools_of_whoever_gets_it() -> None:
    message = message_of(MessageType.TASK_ASSIGNMENT, "own-1", EVERYBODY)
    assert isinstance(message.body, TaskAssignment)
    assert message.sender == "@foreman"
    assert (message.body.skill, message.body.folder, message.task) == ("paint-walls",) + ("paint-walls/1",) * 2
    assert [(one.name, one.value) for one in message.body.settings] == [("tools", "Brush")]


def test_a_coordinator_gives_tasks_to_its_team_and_the_tech_lead_gives_it_plans() -> None:
    given = message_of(MessageType.TASK_ASSIGNMENT, "foreman", EVERYBODY)
    assert given.recipient == "@own-1"
    whole = message_of(MessageType.TASK_ASSIGNMENT, "tech-lead-orchestrator", EVERYBODY)
    assert isinstance(whole.body, TaskAssignment)
    assert role_of(EVERYBODY[whole.recipient[1:]]) is Role.COORDINATOR
    assert whole.body.plan is not None


@pytest.mark.parametrize(
    ("name", "to", "level"),
    [
        ("own-1", "@foreman", ErrorLevel.COORDINATOR),
        ("foreman", TECH_LEAD, ErrorLevel.TECH_LEAD),
        ("tech-lead-orchestrator", "@human", ErrorLevel.PERSON),
    ],
)
def test_an_escalation_goes_up_the_ladder_with_the_level_of_whoever_has_to_act(
    name: str, to: str, level: ErrorLevel
) -> None:
    message = message_of(MessageType.ESCALATION, name, EVERYBODY)
    assert message.recipient == to
    assert isinstance(message.body, Report)
    assert message.body.error_details is not None
    assert message.body.error_details.level is level


def test_only_the_tech_lead_is_told_of_a_missions_start() -> None:
    verbs = {}
    for name in ("tech-lead-orchestrator", "foreman", "own-1"):
        body = message_of(MessageType.CONTROL, name, EVERYBODY).body
        assert isinstance(body, Control)
        verbs[name] = body.verb
    assert verbs == {"tech-lead-orchestrator": Verb.START, "foreman": Verb.CANCEL, "own-1": Verb.PRESENT}


def test_agents_ask_for_leave_and_do_not_grant_it() -> None:
    body = message_of(MessageType.APPROVAL, "foreman", EVERYBODY).body
    assert getattr(body, "decision", None) is Consent.REQUESTED


def test_who_calls_no_model_has_no_template_of_a_call() -> None:
    assert message_of(MessageType.MODEL_CALL, "own-1", EVERYBODY).usage is not None
    with pytest.raises(DefinitionError, match="may neither send nor get model-call"):
        message_of(MessageType.MODEL_CALL, "fact-extractor", EVERYBODY)


def test_everything_allowed_by_the_roles_is_among_what_is_sent() -> None:
    for definition in EVERYBODY.values():
        for kind, roles in sent_by(definition).items():
            assert all(objection(role_of(definition), kind, role) is None for role in roles)
