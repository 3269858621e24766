"""What a device's agent says, as messages: from what was found to whom it is told, under which id."""

from dataclasses import dataclass
from typing import Final

from agents.device.alarms.standing import Said
from agents.device.watching.commands import Decline
from agents.device.watching.publishing import telemetry_id
from agents.device.watching.watch import Terms, alert_id
from protocol.bodies import (
    Action,
    Body,
    Claim,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Refusal,
    Report,
    Result,
    Severity,
    Telemetry,
)
from protocol.ids import derived
from protocol.messages import Integrity, Message, MessageType
from protocol.names import Priority
from protocol.topics import DASHBOARD, EVERYONE

_URGENCY: Final = {
    Severity.CRITICAL: Priority.CRITICAL,
    Severity.WARNING: Priority.HIGH,
    Severity.INFO: Priority.NORMAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Who watches what for whom. name: of the agent, such as @battery-1. device: what its readings are of."""

    name: str
    device: str
    mission: str
    terms: Terms
    telemetry_to: str = DASHBOARD
    alerts_to: str = EVERYONE

    def alert(self, pack: str, said: Said, now_ns: int, cause: str | None = None) -> Message:
        """Return an alert of a pack; the same one has the same id in every life."""
        alert = said.alert.model_copy(update={"text": f"{pack}: {said.alert.text}"})
        identity = alert_id(self.mission, pack, alert.code, said.number)
        message = self._message(MessageType.ALERT, self.alerts_to, pack, alert, identity, now_ns)
        return message.model_copy(update={"priority": _URGENCY[alert.severity], "cause": cause})

    def telemetry(self, pack: str, body: Telemetry) -> Message:
        return self._message(MessageType.TELEMETRY, self.telemetry_to, pack, body, telemetry_id(body), body.taken)

    def refusal(self, why: Decline, asked: Message, now_ns: int) -> Message:
        """Return why something is not done, to whoever asked for it."""
        body = Refusal(code=why.code, reason=why.reason[:2000], refused=asked.id)
        identity = derived("refusal", self.name, asked.id)
        message = self._message(MessageType.REFUSAL, asked.sender, asked.task, body, identity, now_ns)
        return message.model_copy(update={"cause": asked.id})

    def claim(self, asked: Message, instance: str, lease_s: int, now_ns: int) -> Message:
        return self._of_task(MessageType.CLAIM, asked, Claim(instance=instance, lease_s=lease_s), "claim", now_ns)

    def completion(self, asked: Message, report: Report, now_ns: int) -> Message:
        return self._of_task(MessageType.TASK_COMPLETION, asked, report, "result", now_ns)

    def _of_task(self, kind: MessageType, asked: Message, body: Body, what: str, now_ns: int) -> Message:
        identity = derived(what, asked.mission, asked.task, asked.attempt)
        message = self._message(kind, asked.sender, asked.task, body, identity, now_ns)
        kept = {name: getattr(asked, name) for name in ("attempt", "parent_task", "mission", "priority")}
        return message.model_copy(update={**kept, "cause": asked.id})

    def _message(self, kind: MessageType, recipient: str, task: str, body: Body, identity: str, now_ns: int) -> Message:
        return Message(
            sender=self.name,
            recipient=recipient,
            type=kind,
            task=task,
            timestamp_ns=now_ns,
            id=identity,
            mission=self.mission,
            integrity=Integrity.UNTRUSTED,
            body=body,
        )


def blocked(reason: str, level: ErrorLevel, category: ErrorCategory) -> Report:
    """Return the report of a task that is not done."""
    details = ErrorDetails(level=level, category=category, message=reason)
    return Report(action=Action.BLOCKED, result=Result(success=False, description=reason[:500]), error_details=details)
