"""Specialists killed from outside in the middle of their work. All other deaths: tests/crash."""

import contextlib
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from bus.records import Entry
from protocol.decoder import decode
from tests.mission.runs import Mission, orchestra, start


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the mission brings when nobody kills anything."""
    mission = start(tmp_path_factory.mktemp("undisturbed"))
    code, said, complained = mission.finish()
    assert code == 0, said + complained
    return mission.results()


def check_sound(mission: Mission, undisturbed: dict[str, bytes]) -> None:
    """The same result, every id journaled once, the chain whole, the coordinators replayable."""
    assert mission.results() == undisturbed
    ids = Counter((decode(e.document).sender, decode(e.document).id) for e in mission.entries())
    assert max(ids.values()) == 1
    accepted = [
        e for e in mission.entries() if e.topic == "data-coordinator/verdict" and b"<decision>pass" in e.document
    ]
    assert len({decode(e.document).task for e in accepted}) == 8
    verified = orchestra("audit", "verify", mission.run, cwd=mission.folder)
    assert verified.returncode == 0, verified.stderr
    replayed = orchestra("replay", mission.run, cwd=mission.folder)
    assert replayed.returncode == 0, replayed.stderr


CELLS = [("contradiction-finder", "progress"), ("fact-writer", "claim")]


@pytest.mark.slow
@pytest.mark.parametrize(("slot", "moment"), CELLS)
def test_a_specialist_of_whom_there_is_only_one_may_be_killed(
    slot: str, moment: str, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    mission = start(tmp_path)

    def is_the_moment(entry: Entry) -> bool:
        return entry.topic.endswith(f"/{moment}") and decode(entry.document).sender == f"@{slot}"

    mission.wait_for(is_the_moment)
    with contextlib.suppress(ProcessLookupError):  # it was faster than we were: then nothing was to be survived
        os.kill(mission.pids(slot)[-1], signal.SIGKILL)
    code, said, complained = mission.finish()
    assert code == 0, said + complained
    check_sound(mission, undisturbed)


@pytest.mark.slow
def test_a_task_that_kills_whoever_takes_it_becomes_a_persons_decision(tmp_path: Path) -> None:
    mission = start(tmp_path)
    killed: set[int] = set()

    def kill_the_finder(entry: Entry) -> bool:
        if (
            entry.topic.endswith("/claim")
            and entry.sequence not in killed
            and b"@contradiction-finder<" in entry.document
        ):
            killed.add(entry.sequence)
            with contextlib.suppress(ProcessLookupError):
                os.kill(mission.pids("contradiction-finder")[-1], signal.SIGKILL)
        return entry.topic == "supervisor/status"

    mission.wait_for(kill_the_finder)
    code, _, complained = mission.finish()
    assert code == 3, complained
    assert "processes were lost while doing this task; the last one: killed by signal 9" in complained
