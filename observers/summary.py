"""One message in one line, for people: who to whom, what about. Safe to print to a terminal."""

from protocol import bodies as b
from protocol.messages import Message


def printable(text: str) -> str:
    """Return text with everything a terminal would act on shown instead of executed."""
    return "".join(c if c.isprintable() else _shown(c) for c in text)


def _shown(character: str) -> str:
    if character in "\n\t\r":
        return " "
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def describe(message: Message) -> str:
    """Return in one line what a message says."""
    return printable(_said(message.body))


def _said(body: b.Body) -> str:
    match body:
        case b.Report():
            return _report(body)
        case b.TaskAssignment():
            inputs = f"{len(body.inputs)} input{'s' * (len(body.inputs) != 1)}"
            return f"{body.title} ({inputs})" + (f"; feedback: {body.feedback}" if body.feedback else "")
        case b.VerdictReport():
            return f"{body.decision.value}: {body.reason}"
        case b.Claim():
            return f"taken by {body.instance}"
        case b.Progress():
            return body.note + (f" {body.done}/{body.total}" if body.done is not None else "")
        case b.Control(verb=b.Verb.EPOCH):
            return body.subject or "epoch"
        case b.Control():
            return f"{body.verb.value} {body.subject or ('all' if body.verb is b.Verb.CANCEL else '')}" + _why(body)
        case b.Lost():
            return f"{body.instance}: {body.reason}"
        case b.Refusal():
            return f"{body.code}: {body.reason}"
        case b.Answer():
            return f"{body.choice}: {body.text or ''}"
        case b.WakeRequest() | b.Wake():
            return body.key
        case b.ModelCall():
            return f"{body.step} in {body.latency_ms} ms" + (" from cache" if body.cache_hit else "")
        case b.Telemetry():
            return f"{body.device}: {len(body.readings)} readings"
        case b.Alert():
            return f"{body.severity.value} {body.state.value} {body.code}: {body.text}"
        case b.Approval():
            by = f" by {body.person}" if body.person else ""
            return f"{body.decision.value}{by}" + (f": {body.reason}" if body.reason else "")
    return type(body).__name__


def _why(control: b.Control) -> str:
    told = {setting.name: setting.value for setting in control.settings}
    if control.verb is not b.Verb.CANCEL or not told.get("person"):
        return ""
    return f" by {told['person']}: {told.get('reason', '')}"


def _report(report: b.Report) -> str:
    parts = [report.action.value]
    if report.result:
        parts.append(report.result.description)
    asked, error = report.question or "", report.error_details
    if error and not asked.startswith(error.message):  # an alarm that is passed on asks in the words of its error
        parts.append(f"level {error.level.value} {error.category.value}: {error.message}")
    if asked:
        parts.append(asked)
    return " · ".join(parts)
