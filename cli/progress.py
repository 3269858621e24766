"""Progress while a mission runs: a live picture on a terminal, a line for each turn of events elsewhere."""

import time
from types import TracebackType

from rich.live import Live
from rich.table import Table
from rich.text import Text

from bus.records import Entry
from bus.supervisor import Death
from cli.screen import err, warn
from observers.gauge import Gauge
from observers.summary import describe, printable
from protocol.bodies import (
    Alert,
    Approval,
    Claim,
    Control,
    Decision,
    Lost,
    TaskAssignment,
    Telemetry,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.messages import Message, MessageType

_SHOWN_TASKS = 8


class ProgressView:
    """Follows the journal of a running mission. total: how many tasks its plan has.

    resumed_ns: when the run, or a fork of it, was taken up again; what was journaled before is not told again, only how
    far it had got.
    """

    def __init__(self, total: int, *, is_quiet: bool, resumed_ns: int = 0) -> None:
        self._total, self._is_quiet = total, is_quiet
        self._resumed_ns, self._is_first = resumed_ns, not resumed_ns
        self._done: set[str] = set()
        self._assigned: set[str] = set()
        self._held: dict[str, tuple[str, int | None]] = {}  # by task: the instance and the attempt
        self._lost: set[tuple[str, int | None]] = set()
        self._gauges: dict[str, Gauge] = {}  # by device, what it read last
        self._rejections = self._messages = 0
        self._is_live = err.is_terminal and not is_quiet
        self._live = Live(console=err, refresh_per_second=8, transient=True) if self._is_live else None
        self._started_s = time.monotonic()

    def __enter__(self) -> "ProgressView":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def entry(self, entry: Entry) -> None:
        """Take in one journal entry."""
        if self._is_quiet:
            return
        if self._resumed_ns and entry.recorded_ns >= self._resumed_ns:
            self._resumed_ns = 0
            self._line(f"mission goes on: {len(self._done)} of {self._all} tasks had been accepted")
        self._messages += 1
        message = reread(entry.document)
        body = message.body
        if isinstance(body, TaskAssignment) and message.parent_task:
            self._assigned.add(message.task)
        if isinstance(body, Claim):
            self._held[message.task] = (body.instance, message.attempt)
        elif isinstance(body, Lost):
            self._lost |= {(task, attempt) for task, (by, attempt) in self._held.items() if by == body.instance}
        elif isinstance(body, VerdictReport):
            self._verdict(message, body)
        elif isinstance(body, Telemetry):
            self._gauges.setdefault(body.device, Gauge()).take(body)
        elif (
            isinstance(body, Alert | Approval)
            or message.type is MessageType.ESCALATION
            or (isinstance(body, TaskAssignment) and body.feedback)
        ):
            self._line(f"{message.sender} → {message.recipient}: {describe(message)}", "yellow")
        elif isinstance(body, Control) and body.verb.value == "start" and self._is_first:
            self._line(f"mission started: {self._total} task{'s' * (self._total != 1)}")
        if self._live:
            self._live.update(self._picture())

    def death(self, death: Death) -> None:
        """Say that a process ended before its time."""
        if death.exit_code != 0:
            self._line(f"{death.instance} ended: {death.reason}; starting another", "yellow")

    def _verdict(self, message: Message, body: VerdictReport) -> None:
        if (message.task, message.attempt) in self._lost:
            return  # it comes too late: the coordinator has given the task out again
        self._held.pop(message.task, None)
        if body.decision is Decision.PASS:
            if message.parent_task:
                self._done.add(message.task)
                self._line(f"[{len(self._done)}/{self._all}] accepted {message.task}: {body.description}")
        else:
            self._rejections += 1
            self._line(f"{body.decision.value} {message.task}: {body.reason}", "yellow")

    @property
    def _all(self) -> int:
        """How many tasks there are, as far as is known: items and rounds come up on the way."""
        return max(self._total, len(self._assigned))

    def _line(self, text: str, style: str = "") -> None:
        if not self._is_quiet and not self._resumed_ns and not (self._is_live and not style):
            warn(text, style)

    def _picture(self) -> Table:
        grid = Table.grid(padding=(0, 1))
        share = len(self._done) / max(self._all, 1)
        bar = "█" * int(share * 24) + "░" * (24 - int(share * 24))
        seconds = time.monotonic() - self._started_s
        grid.add_row(
            Text(bar, "green"),
            Text(
                f"{len(self._done)}/{self._all} tasks accepted · {self._rejections} rejected · "
                f"{self._messages} messages · {seconds:.0f} s"
            ),
        )
        for task, (instance, _) in list(self._held.items())[:_SHOWN_TASKS]:
            grid.add_row(Text(printable(instance), "cyan"), Text(printable(task), "dim"))
        for device, gauge in list(self._gauges.items())[:_SHOWN_TASKS]:
            grid.add_row(Text(printable(device), "bold"), Text(printable(gauge.line())))
        return grid
