"""An agent of a device on a bus in memory, with sources that say what they are told to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.device.alarms.rules import start_rules
from agents.device.judging.limits import Limits
from agents.device.status import Status
from agents.device.watching.agent import DeviceAgent
from agents.device.watching.earlier import Before, before
from agents.device.watching.publishing import PublishingPace
from agents.device.watching.surroundings import Keeping, Surroundings
from agents.device.watching.watch import Terms
from agents.device.watching.wording import Post
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from bus.roles import Role
from protocol.bodies import Alert, AlertState, Body, Refusal
from protocol.decoder import decode
from protocol.errors import LinkError
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR
from tests.builders import introduce, message

NAME, LEAD = "@battery-1", "@lead"
CAST: Final = {NAME: Role.DEVICE, LEAD: Role.COORDINATOR, "@worker": Role.SPECIALIST}
TERMS: Final = Terms(start_rules(4, 280), Limits(cell_count=4), PublishingPace(least_s=1.0, full_s=60.0))
POST: Final = Post(name=NAME, device="pack-1", mission="test", terms=TERMS)
OVER: Final = "cell-overvoltage"


def pack(first: float = 3.3) -> Status:
    cells = {1: first, 2: 3.301, 3: 3.302, 4: 3.303}
    return Status(
        pack_voltage_v=round(sum(cells.values()), 3),
        current_a=0.0,
        soc_percent=60.0,
        cells=cells,
        temperatures={"1": 21.0},
    )


# A step of a quarter of a volt is doubted until others have said the same, and what is doubted clears nothing.
CALM: Final = (pack(3.3),) * 5


class Scripted:
    """A source that says what it is given; a text is the reason why the line is gone."""

    def __init__(self) -> None:
        self.says: Status | str | None = None

    def poll(self, now_s: float) -> Status | None:
        if isinstance(self.says, str):
            raise LinkError(self.says)
        return self.says


class Bench:
    """An agent on a bus in memory; a second passes with every look. others: sources beside the first, by name."""

    def __init__(self, folder: Path, post: Post = POST, others: Sequence[str] = ()) -> None:
        self.bus, self.source, self.post = MemoryBus(clock_ns=lambda: 1), Scripted(), post
        self._folder, self.store, self.raw = folder, ArtifactStore(folder), dict[str, Keeping]()
        self.sources = {"bms": self.source, **{name: Scripted() for name in others}}
        introduce(self.bus.publisher(SUPERVISOR), CAST)
        self.now_s, self._ids, self.states = 1000.0, 0, list[str]()
        self.begin(Before())

    def begin(self, past: Before) -> None:
        after = past.position or len(self.bus.entries)
        around = Surroundings(
            hearing=self.bus.subscriber(NAME[1:], after),
            publishing=self.bus.publisher(NAME),
            sources=self.sources,
            store=self.store,
            instance="battery-1-0a1b2c",
            raw=self.raw,
            tell=lambda state: self.states.append(state),
            clock_ns=lambda: 1_795_253_400_000_000_000 + round(self.now_s * 1e9),
        )
        self.agent = DeviceAgent(self.post, around, self.now_s, past)

    def restart(self) -> None:
        """Let the agent die where it stands, and another one begin from the journal."""
        self.begin(before(self.bus.entries, NAME))

    def see(self, *said: Status | str | None) -> None:
        for self.source.says in said:
            self.now_s += 1
            self.agent.look(self.now_s)

    def see_both(self, *said: tuple[Status | None, Status | None]) -> None:
        """Let two sources say something at each look."""
        for pair in said:
            for source, one in zip(self.sources.values(), pair, strict=True):
                source.says = one
            self.now_s += 1
            self.agent.look(self.now_s)

    def tell(
        self,
        kind: MessageType,
        body: Body,
        *,
        sender: str = HUMAN,
        cause: str | None = None,
        task: str = "t",
        attempt: int = 1,
        is_heard: bool = True,
    ) -> Message:
        """Say something to the agent. is_heard: it listens, too."""
        self._ids += 1
        asked = message(
            kind, body, f"asked-{self._ids}", sender=sender, recipient=NAME, cause=cause, task=task, attempt=attempt
        )
        self.bus.publisher(sender).publish([asked])
        if is_heard:
            self.agent.hear(0)
        return asked

    def said(self, kind: MessageType) -> list[Message]:
        """All that the agent has said of one type: every document valid, as whoever reads it finds it."""
        messages = [decode(entry.document) for entry in self.bus.entries]
        return [one for one in messages if one.sender == NAME and one.type is kind]

    def alerts(self, code: str = OVER) -> list[Alert]:
        bodies = [one.body for one in self.said(MessageType.ALERT)]
        return [body for body in bodies if isinstance(body, Alert) and body.code == code]

    def states_of(self, code: str = OVER) -> list[AlertState]:
        return [alert.state for alert in self.alerts(code)]

    def last_refusal(self) -> Refusal:
        body = self.said(MessageType.REFUSAL)[-1].body
        assert isinstance(body, Refusal)
        return body
