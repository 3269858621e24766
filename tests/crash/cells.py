"""The kill matrix as a table: to add a place to die, add a row."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.crash import loaded, plays, watched
from tests.crash.cell import Cell, Outcome, Results

_SHORT: Final = 20_000  # bytes: less than a segment's preamble, so every group begins a new one
_FAST: Final = 200  # a lease and its grace, six minutes, are over in 1.8 s


def _broker(point: str, where: str, count: int = 20) -> Cell:
    return Cell(name=f"broker.{point}", dies="broker", where=where, play=plays.goes_on,
                point=f"broker.{point}", count=count)  # fmt: skip


def _agent(name: str, dies: str, where: str, count: int) -> Cell:
    return Cell(name=name, dies=dies, where=where, play=plays.goes_on, point=name, count=count)


def _load(point: str, dies: str, where: str, count: int) -> Cell:
    return Cell(name=f"load/{point}", dies=dies, where=where, play=loaded.play, point=point, count=count,
                segment_bytes=200_000)  # fmt: skip


def _tree(moment: str) -> Cell:
    return Cell(name=f"tree@{moment}", dies="the whole tree", where=f"at the first {moment}", play=plays.tree_killed,
                moment=moment)  # fmt: skip


def _device(point: str, where: str, count: int, play: Callable[[Cell, Path, Results], Outcome]) -> Cell:
    return Cell(name=f"device.{point}", dies="device's agent", where=where, play=play, point=f"device.{point}",
                count=count)  # fmt: skip


CELLS: Final = (
    _broker("before-write", "before a group is written"),
    _broker("mid-write", "half of a group is written"),
    _broker("before-sync", "written, not synced"),
    _broker("before-forward", "on disk, nobody has heard it"),
    _broker("before-ack", "forwarded, not acknowledged"),
    Cell(name="broker.mid-rotation", dies="broker", where="one journal file closed, the next not begun",
         play=plays.goes_on_launched, point="broker.mid-rotation", count=15, segment_bytes=_SHORT),
    _load("broker.mid-write", "broker under load", "half of a group is written", 8),
    _load("broker.before-sync", "broker under load", "written, not synced", 16),
    _load("broker.before-ack", "broker under load", "forwarded, not acknowledged", 8),
    _load("broker.mid-rotation", "broker under load", "one journal file closed, the next not begun", 5),
    Cell(name="broker.serving-range", dies="broker", where="a range read, not sent to its reader elsewhere",
         play=loaded.range_play, point="broker.serving-range", count=3),
    _load("publisher.full-window", "publisher", "its window full, the broker stopped", 20),
    _agent("coordinator.before-step", "coordinator", "a message heard, nothing decided", 15),
    _agent("coordinator.between-outputs", "coordinator", "one of several assignments sent", 1),
    _agent("coordinator.before-ack", "coordinator", "its message journaled, not acknowledged", 2),
    _agent("coordinator.mid-snapshot", "coordinator", "half of a snapshot written", 1),
    _agent("coordinator.after-snapshot", "coordinator", "a snapshot taken, the next message not heard", 1),
    _agent("tech-lead.before-ack", "tech lead", "its assignment journaled, not acknowledged", 1),
    _agent("specialist.before-effect", "specialist", "a step not begun", 2),
    _agent("specialist.mid-effect", "specialist", "a step done, its product not stored", 2),
    _agent("specialist.after-effect", "specialist", "the product stored, not journaled", 2),
    _agent("specialist.before-result", "specialist", "the task done, not reported", 2),
    _agent("specialist.before-ack", "specialist", "its message journaled, not acknowledged", 4),
    _agent("gate.layer_2_hallucination", "gatekeeper", "before gate 2", 4),
    _agent("gate.layer_3_boundary", "gatekeeper", "between gates 2 and 3", 4),
    _agent("gatekeeper.before-ack", "gatekeeper", "its verdict journaled, not acknowledged", 4),
    _agent("recorder.mid-projection", "recorder", "the tables half written", 20),
    Cell(name="recorder.mid-seal", dies="recorder", where="half of a seal is written", play=plays.goes_on_held,
         point="recorder.mid-seal"),
    _agent("keys.mid-store", "recorder", "the secret half of its key written, not the public one", 1),
    Cell(name="recorder.last-seal", dies="recorder", where="half of the last seal, at the end of the mission",
         play=plays.goes_on, point="recorder.mid-seal"),
    Cell(name="clock.before-ack", dies="clock", where="its wake journaled, not acknowledged", play=plays.goes_on_held,
         point="clock.before-ack", clock_factor=_FAST),
    Cell(name="supervisor.mid-start", dies="supervisor", where="some processes started, the mission not begun",
         play=plays.launched_again, point="supervisor.mid-start"),
    Cell(name="supervisor.before-ack", dies="supervisor", where="the cast journaled, not acknowledged",
         play=plays.launched_again, point="supervisor.before-ack"),
    Cell(name="supervisor.resuming", dies="supervisor", where="while it resumes a run whose tree was killed",
         play=plays.resumed_twice, point="supervisor.mid-start"),
    Cell(name="supervisor.wake-requested", dies="supervisor", where="a wake is owed; resumed when it is overdue",
         play=plays.resumed_when_due, point="supervisor.wake-requested", clock_factor=_FAST),
    Cell(name="supervisor@claim", dies="supervisor", where="at the first claim; the rest notices by itself",
         play=plays.supervisor_killed),
    Cell(name="forkserver@claim", dies="forkserver", where="at the first claim", play=plays.forkserver_killed),
    _device("mid-frame", "an answer half read", 5, watched.lived),
    _device("after-read", "a status read, nothing told of it", 90, watched.played),
    _device("before-publish", "what there is to tell is known, and not said", 75, watched.played),
    _device("before-ack", "telemetry and an alert journaled, not acknowledged", 4, watched.played),
    _device("mid-write", "some files of a window stored, the others not", 5, watched.played),
    _device("before-result", "a window stored, not handed in", 2, watched.played),
    _device("after-result", "a window handed in, its raw bytes still lying there", 1, watched.lived),
    *map(_tree, ("task-assignment", "claim", "task-completion", "verdict")),
)  # fmt: skip
