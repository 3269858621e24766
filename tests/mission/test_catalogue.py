"""A mission with other people's agents, as a user begins and resumes it; their folder may be gone by then."""

import json
import shutil
from pathlib import Path

import pytest

from bus.journal import JournalReader
from protocol.peek import peek
from tests.mission.runs import orchestra

SKILLS = """
from agents.work import Outcome

def look(work):
    return Outcome("seen", (work.write("seen.txt", b"seen", "text/plain"),))
"""
FLOW = """
workflow: looking
skills: skills.py
steps:
  - {id: first, agent: scout}
  - {id: second, agent: scout, approve: true}
"""
# As another program writes it: no name in it, no YAML either.
SCOUT = "---\ndescription: Looks. Examples: user: 'look'\nskills: look\nteam: crew\nmodel: none\n---\nYou look.\n"
CAPTAIN = "---\nname: captain\ndescription: Leads the crew.\nteam: crew\nleads: crew\nmodel: opus\n---\nYou lead.\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "skills.py").write_text(SKILLS)
    (tmp_path / "flow.yaml").write_text(FLOW)
    theirs = tmp_path / ".claude" / "agents"
    theirs.mkdir(parents=True)
    (theirs / "README.md").write_text("# Our agents\n")
    (theirs / "broken.md").write_text("---\nname: [broken\n---\n")
    (theirs / "scout.md").write_text(SCOUT)
    (theirs / "captain.md").write_text(CAPTAIN)
    return tmp_path


@pytest.mark.slow
def test_it_is_begun_with_their_agents_under_their_leader_and_resumed_without_their_folder(place: Path) -> None:
    begun = orchestra("run", "flow.yaml", "--catalogue", ".claude/agents", "--run-dir", "run", "-q", cwd=place)
    assert begun.returncode == 3, begun.stderr
    assert begun.stderr.count("note: left out: .claude/agents/broken.md:2: not YAML") == 1
    [request] = [json.loads(line) for line in orchestra("inbox", "run", "--json", cwd=place).stdout.splitlines()]
    assert orchestra("approve", request["short"], "--run", "run", cwd=place).returncode == 0, request
    shutil.rmtree(place / ".claude")
    stopped = orchestra("resume", "run", "-q", cwd=place)
    assert stopped.returncode == 2
    assert "is no folder" in stopped.stderr
    assert "--as-recorded" in stopped.stderr
    done = orchestra("resume", "run", "--as-recorded", "-q", cwd=place)
    assert done.returncode == 0, done.stderr
    entries = list(JournalReader(place / "run" / "journal").entries())
    assigned = {peek(entry.document, "sender") for entry in entries if entry.topic == "scout/task-assignment"}
    assert assigned == {"@captain"}
    assert orchestra("audit", "verify", "run", cwd=place).returncode == 0
    assert orchestra("replay", "run", cwd=place).returncode == 0
