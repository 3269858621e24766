"""The reference sample is valid, with any one choice from each of its lists and however its ticks arrive."""

from itertools import product

import pytest

from protocol import MessageType, decode, encode
from protocol.bodies import Report
from protocol.messages import Mark

SAMPLE = """\
<agent-message>
  <sender>@specialist-name</sender>
  <recipient>@coordinator-name</recipient>
  <type>{type}</type>
  <priority>{priority}</priority>
  <context>
    <task-id>5d0c0c1e-6a3b-4a52-8a39-2f6a0b6d0c11</task-id>
    <parent-task>b7f1c7de-1f5b-4c9e-8d55-5a9b9e0a4c77</parent-task>
    <timestamp>2026-11-21T09:30:00Z</timestamp>
  </context>
  <payload>
    <action>{action}</action>
    <result>
      <success>{success}</success>
      <description>Human-readable result</description>
      <artifacts>
        <file path="path/to/file">File change summary</file>
      </artifacts>
    </result>
    <error-details>
      <level>{level}</level>
      <category>{category}</category>
      <message>Error description</message>
      <attempted-recovery>Steps taken to recover</attempted-recovery>
    </error-details>
  </payload>
  <quality-gates>
    <layer-1-input>{tick} Passed</layer-1-input>
    <layer-2-hallucination>{tick} Passed</layer-2-hallucination>
    <layer-3-boundary>{tick} Passed</layer-3-boundary>
    <layer-4-output>{tick} Passed</layer-4-output>
    <layer-5-escalation>Not triggered</layer-5-escalation>
  </quality-gates>
</agent-message>
"""
CHOICES = {
    "type": ["task-completion", "escalation", "question", "status"],
    "priority": ["critical", "high", "normal", "low"],
    "action": ["completed", "pending", "blocked", "escalating"],
    "success": ["true", "false"],
    "level": ["1", "2", "3", "4"],
    "category": ["execution", "validation", "integration", "architectural"],
}
# The tick itself, and what decoding its three bytes as cp1252 or as latin-1 makes of it.
TICKS = ["✓", "✓".encode().decode("cp1252"), "✓".encode().decode("latin-1")]


@pytest.mark.parametrize("tick", TICKS, ids=["tick", "cp1252", "latin-1"])
def test_the_sample_is_valid_with_every_combination_of_its_choices(tick: str) -> None:
    for values in product(*CHOICES.values()):
        chosen = dict(zip(CHOICES, values, strict=True))
        message = decode(SAMPLE.format(tick=tick, **chosen).encode())
        assert message.type is MessageType(chosen["type"])
        assert isinstance(message.body, Report)
        assert message.body.result is not None
        assert message.body.result.success is (chosen["success"] == "true")
        assert message.gates is not None
        assert message.gates.layer_1_input is Mark.PASSED
        assert message.gates.layer_5_escalation is Mark.NOT_TRIGGERED


def test_a_broken_tick_is_read_as_the_tick_it_was() -> None:
    first, *others = [
        decode(SAMPLE.format(tick=tick, **{k: v[0] for k, v in CHOICES.items()}).encode()) for tick in TICKS
    ]
    assert all(other == first for other in others)
    assert decode(encode(first)) == first
    assert first.id is None


def test_the_bytes_of_the_order_itself_are_read() -> None:
    # Bytes of a tick that was decoded as cp1252 and written as UTF-8 again: C3 A2, C5 93, E2 80 9C.
    raw = SAMPLE.format(tick="TICK", **{k: v[0] for k, v in CHOICES.items()}).encode()
    message = decode(raw.replace(b"TICK", b"\xc3\xa2\xc5\x93\xe2\x80\x9c"))
    assert message.gates is not None
    assert message.gates.layer_4_output is Mark.PASSED
