"""What the supervisor says when a mission starts: who is there, the plan, and all that a resume needs to know again."""

import time

from protocol.bodies import Body, Control, Lost, Setting, Verb
from protocol.encoder import encode
from protocol.errors import SourceError, WireError
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import SUPERVISOR, TECH_LEAD
from scenarios.mission import CastMember, Mission, brought_along


def presence(member: CastMember) -> Control:
    """Return the message body that tells everybody of a name in the cast."""
    role = Setting(name="role", value=member.role.value)
    return Control(verb=Verb.PRESENT, subject=member.name, settings=(role,))


def start_control(mission: Mission) -> Control:
    """Return the message body that starts a mission, with all that a resume needs to know again."""
    settings = [Setting(name="coordinator", value=mission.coordinator)]
    settings += [Setting(name=name, value=value) for name, value in (*mission.settings, *brought_along(mission))]
    return Control(verb=Verb.START, subject=mission.scenario, settings=tuple(settings), plan=mission.plan)


def check_size(mission: Mission) -> None:
    """Find out before a mission starts whether its plan fits into the message that starts it.

    Raises:
        SourceError: the plan is too large, or holds something that XML cannot carry.
    """
    try:
        encode(from_supervisor(start_control(mission), "start", "run", TECH_LEAD))
    except WireError as error:
        raise SourceError(f"the plan of {len(mission.plan.tasks):,} tasks cannot be sent: {error}; split it") from error


def from_supervisor(body: Body, identity: str, mission: str, recipient: str) -> Message:
    """Return what the supervisor says about a run. identity: the message's id; mission: the run's."""
    return Message(
        sender=SUPERVISOR,
        recipient=recipient,
        type=MessageType.LOST if isinstance(body, Lost) else MessageType.CONTROL,
        priority=Priority.HIGH,
        task="run",
        timestamp_ns=time.time_ns(),
        id=identity,
        mission=mission,
        body=body,
    )
