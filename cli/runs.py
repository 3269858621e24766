"""Finding and naming runs: RUN is a folder, an id below the runs folder, or `last`."""

import time
from pathlib import Path

from bus.run import RunFolder
from cli.screen import warn
from cli.settings import Settings
from protocol.errors import SourceError

_LAST = "last"


def find_run(settings: Settings, name: str) -> RunFolder:
    """Return an existing run.

    Raises:
        SourceError: there is none of that name.
    """
    for path in (Path(name), settings.runs / name):
        if (path / "journal").is_dir():
            return RunFolder(path.resolve())
    known = sorted(path.name for path in settings.runs.glob("*/") if path.name != _LAST and (path / "journal").is_dir())
    hint = f"known runs: {', '.join(known[-5:])}" if known else f"there are no runs in {settings.runs} yet"
    raise SourceError(f"no run is called {name!r}; {hint}")


def new_run(settings: Settings, scenario: str, run_dir: Path | None) -> RunFolder:
    """Make a run's folder and let `last` point at it.

    Raises:
        SourceError: the folder holds a run already.
    """
    path = run_dir or _free(settings.runs / f"{scenario}-{time.strftime('%Y%m%d-%H%M%S')}")
    if any((path / "journal").glob("*.mcap")):
        raise SourceError(
            f"{path} already holds a run; resume it (`orchestra resume {path}`) or choose another --run-dir"
        )
    run = RunFolder(path.resolve())
    run.create()
    _point_at(settings.runs, run.path)
    return run


def _free(path: Path) -> Path:
    """Return the path, with a number behind it where two runs start in one second."""
    number, chosen = 2, path
    while chosen.exists():
        chosen, number = path.with_name(f"{path.name}-{number}"), number + 1
    return chosen


def _point_at(runs: Path, path: Path) -> None:
    """Let `last` name this run; a convenience, so a folder that cannot be written is worth a word and no more."""
    draft = runs / f".{_LAST}-{path.name}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        draft.symlink_to(path)
        draft.replace(runs / _LAST)
    except OSError as error:
        warn(f"`last` could not be set in {runs}: {error.strerror}; name this run as {path}", "yellow")
