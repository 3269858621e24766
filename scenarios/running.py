"""Missions from Python: `run` carries a workflow out, be it a file or made of the classes of `scenarios.workflow`.

    from scenarios.running import run
    from scenarios.workflow import Step, Workflow

    ended = run(Workflow(workflow="count", skills="skills.py", steps=[Step(id="count", skill="count-lines")]))

1. It is the same mission as with `orchestra run`: the same processes, journal, gates and audit, in a run's folder.
2. Whoever calls it waits. Ctrl-C stops the mission in order; `orchestra resume` goes on with it.
3. A script needs no `if __name__ == "__main__"`: the agents' processes never see it. Their skills come from a file.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bus.artifacts import ArtifactStore
from bus.journal import TO_THE_END, JournalReader
from bus.records import Entry
from bus.run import RunFolder
from coordinators.past import moment
from coordinators.tasks import State
from protocol.errors import DefinitionError
from scenarios.compile import plan_mission
from scenarios.launch import Launch
from scenarios.mission import Mission, check_writable, write_results
from scenarios.source import Source, read_workflow
from scenarios.start import check_size
from scenarios.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Ended:
    """How a mission ended.

    run: its folder, for `orchestra show`, `audit`, `resume` and the like. files: the results, where they were written.
    values: of each accepted task and group, by its name, such as values["count"]["lines"]; texts, as in messages.
    why: what a person must decide, or why it was ended; "" when it is done.
    """

    is_done: bool
    run: Path
    files: tuple[Path, ...]
    values: Mapping[str, Mapping[str, str]]
    why: str = ""


def run(
    workflow: Workflow | Path | str,
    *,
    output: Path | str = "out",
    folder: Path | str = ".",
    runs: Path | str = "runs",
    given: Mapping[str, str] | None = None,
    on_entry: Callable[[Entry], None] = lambda entry: None,
) -> Ended:
    """Carry out a workflow and return how it ended. No results of earlier runs are used, and none are kept.

    workflow: a definition, or the path of a file with one. output: where the results go. folder: against which the
    paths of a definition are meant; those of a file are meant against its own folder. runs: where the run's folder is
    made. given: parameters of a file. on_entry: told of every message as it is journaled.

    Raises:
        DefinitionError: the workflow is wrong; every fault on a line of its own. Nothing was started.
        SourceError: a file cannot be read, or the results cannot be written.
        OrchestraError: the mission cannot go on, such as on a full disk.
    """
    source = _source(workflow, Path(folder), given)
    target = Path(output)
    with tempfile.TemporaryDirectory() as scratch:  # what cannot be planned leaves no run behind
        check_size(plan_mission(source, target, ArtifactStore(Path(scratch))))
    check_writable(target)
    made = RunFolder(free_folder(Path(runs), source.workflow.workflow.replace("/", "-")).resolve())
    made.create()
    return carry_out(made, plan_mission(source, target, ArtifactStore(made.artifacts)), target, on_entry)


def _source(workflow: Workflow | Path | str, folder: Path, given: Mapping[str, str] | None) -> Source:
    if not isinstance(workflow, Workflow):
        return read_workflow(Path(workflow), given)
    if given:
        raise DefinitionError(f"{workflow.workflow}: parameters are for files; a definition has Python's variables")
    return Source(workflow, folder)


def carry_out(
    folder: RunFolder, mission: Mission, output: Path, on_entry: Callable[[Entry], None] = lambda entry: None
) -> Ended:
    """Carry out a mission, or go on with it, and write its results.

    Raises:
        OrchestraError: it cannot go on.
    """
    end = Launch(folder, mission, on_entry).until_done()
    result = end.report.result
    artifacts = result.artifacts if result and end.is_done else ()
    written = write_results(artifacts, ArtifactStore(folder.artifacts), output)
    return Ended(
        end.is_done, folder.path, tuple(written), values_of(folder, mission.coordinator), "" if end.is_done else end.why
    )


def values_of(folder: RunFolder, coordinator: str) -> dict[str, dict[str, str]]:
    """Return the values of all accepted tasks and groups of a run, by their names."""
    rows = moment(JournalReader(folder.journal).entries(), coordinator, TO_THE_END).rows
    accepted = (row for row in rows if row.state is State.ACCEPTED)
    return {row.name: {value.name: value.value for value in row.values} for row in accepted}


def free_folder(runs: Path, name: str) -> Path:
    """Return a folder for a new run: name and time, with a number behind it where two start in one second."""
    path = runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    number, chosen = 2, path
    while chosen.exists():
        chosen, number = path.with_name(f"{path.name}-{number}"), number + 1
    return chosen
