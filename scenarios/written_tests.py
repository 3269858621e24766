"""The text of a test that replays a recording, as `orchestra record-test` writes it: short, to be gone on with."""

import json
import re
from collections.abc import Sequence
from typing import Final

from scenarios.recording import Recording
from scenarios.redoing import answered
from scenarios.replaying import Replayed

_COORDINATORS: Final = '''"""{scenario}, as recorded in the run {run}: the same messages must be said again."""


def test_the_coordinators_of_{function}_say_the_same_again(recording, replayed):
    rows = replayed(recording("{name}"){unsent})
    assert {{row.agent: row.same for row in rows}} == {{
{expected}
    }}
'''
_SPECIALISTS: Final = """

def test_the_specialists_of_{function}_give_the_same_results_again(recording, redone):
    for agent in {agents}:
        assert redone(recording("{name}"), agent)
"""


def text_of_test(recording: Recording, rows: Sequence[Replayed], *, with_specialists: bool) -> str:
    """Return a test file for a recording. rows: how its coordinators replayed when it was made."""
    agents = answered(recording.entries()) if with_specialists else ()
    unsent = sum(row.not_sent for row in rows)
    words = {
        "scenario": recording.scenario,
        "run": recording.run,
        "function": function_name(recording.scenario),
        "name": recording.path.stem,
        "unsent": f", not_sent={unsent}" if unsent else "",
        "expected": "\n".join(f'        "{row.agent}": {row.same},' for row in rows),
        "agents": json.dumps(agents),
    }
    text = _COORDINATORS + (_SPECIALISTS if agents else "")
    return text.format(**words)


def function_name(scenario: str) -> str:
    """Return a scenario's name as it may stand in the name of a function or a module."""
    return re.sub(r"[^a-z0-9]+", "_", scenario.lower()).strip("_") or "mission"
