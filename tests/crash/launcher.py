"""`python -m tests.crash.launcher FOLDER SEGMENT_BYTES`: the sample's mission through the Python API.

It differs from `orchestra run spec-facts` in two ways: the journal's files may be short, so that rotation
really happens, and started again it goes on with its run, even with one that died before its mission began.
"""

import sys
from pathlib import Path

from bus.artifacts import ArtifactStore
from bus.run import RunFolder
from scenarios.launch import Launch
from scenarios.mission import write_results
from scenarios.spec_facts.plan import plan_mission
from tests.cases import SAMPLE


def main(folder: Path, segment_bytes: int) -> None:
    """Carry the mission out in FOLDER/run and write what it brought to FOLDER/out."""
    run, output = RunFolder((folder / "run").resolve()), folder / "out"
    run.create()
    store = ArtifactStore(run.artifacts)
    end = Launch(run, plan_mission(SAMPLE, output, store), segment_bytes=segment_bytes).until_done()
    write_results(end.report.result.artifacts if end.report.result else (), store, output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
