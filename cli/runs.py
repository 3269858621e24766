"""Finding and naming runs: RUN is a folder, an id below the runs folder, or `last`."""

import os
from hashlib import sha256
from pathlib import Path

from agents.memory import Memory
from agents.results import ResultStore
from bus.keys import BROKER_KEY, KeyRing
from bus.remote import RemoteBus
from bus.run import RunFolder
from bus.signatures import Signing
from bus.sockets import Listen
from cli.screen import warn
from cli.settings import Settings
from protocol.errors import SourceError
from scenarios.running import free_folder

_LAST = "last"
_MEMORY = "memory.db"


def find_run(settings: Settings, name: str) -> RunFolder:
    """Return an existing run.

    Raises:
        SourceError: there is none of that name.
    """
    for path in (Path(name), settings.runs / name):
        if (path / "journal").is_dir():
            return _with_keys(path, settings)
    known = [run.path.name for run in all_runs(settings)[-5:]]
    hint = f"known runs: {', '.join(known)}" if known else f"there are no runs in {settings.runs} yet"
    raise SourceError(f"no run is called {name!r}; {hint}")


def all_runs(settings: Settings) -> list[RunFolder]:
    """Return the runs in the runs folder, the oldest first."""
    found = [path for path in settings.runs.glob("*/") if path.name != _LAST and (path / "journal").is_dir()]
    return [_with_keys(path, settings) for path in sorted(found, key=_begun)]


def _begun(path: Path) -> tuple[int, str]:
    """Return when the first file of a run's journal was last written: that orders runs well enough to list them."""
    first = min((path / "journal").glob("*.mcap"), default=path)
    return first.stat().st_mtime_ns, path.name


def find_place(settings: Settings, name: str) -> RunFolder | RemoteBus:
    """Return an existing run on this machine, or one elsewhere where the name is an address.

    Raises:
        SourceError: there is none of that name.
        BusError, KeyFault: whoever is at that address does not let us in.
    """
    if "://" not in name:
        return find_run(settings, name)
    bus = RemoteBus(name, settings.name, KeyRing.open(settings.keys))
    bus.check()
    return bus


def memory_of(path: Path) -> Path:
    """Return where it is kept how far a run was verified: with whoever verifies, not in the run."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "agent-orchestra" / "verified" / f"{sha256(os.fsencode(path)).hexdigest()[:32]}.json"


def listening(settings: Settings) -> Listen | None:
    """Return where runs can be reached from elsewhere, as the settings say.

    Raises:
        KeyFault: there are no keys for it: nobody is let in without one.
        BusError: it is no address.
    """
    if not settings.listen:
        return None
    listen = Listen(settings.listen, KeyRing.open(settings.keys))
    listen.endpoint("publish")
    listen.keys.curve(BROKER_KEY)
    return listen


def kept_results(settings: Settings) -> ResultStore | None:
    """Return the store of kept results, as the settings say; None where it is switched off."""
    return ResultStore(settings.cache.absolute(), settings.cache_bytes) if settings.cache else None


def project_memory(settings: Settings) -> Memory | None:
    """Return the project's memory, as the settings say; None where it is switched off."""
    if settings.memory == "off":
        return None
    runs = settings.runs.absolute()
    path = Path(settings.memory).absolute() if settings.memory else runs / _MEMORY
    return Memory(path, settings.project or runs.resolve().parent.name or "project")


def _with_keys(path: Path, settings: Settings) -> RunFolder:
    ring = settings.keys.resolve() if settings.keys.is_dir() else None
    return RunFolder(path.resolve(), ring, Signing(settings.sign))


def new_run(settings: Settings, scenario: str, run_dir: Path | None) -> RunFolder:
    """Make a run's folder and let `last` point at it.

    Raises:
        SourceError: the folder holds a run already.
    """
    path = run_dir or free_folder(settings.runs, scenario)
    if any((path / "journal").glob("*.mcap")):
        raise SourceError(
            f"{path} already holds a run; resume it (`orchestra resume {path}`) or choose another --run-dir"
        )
    run = _with_keys(path, settings)
    if run.ring is not None:
        KeyRing.open(run.ring)  # keys that others can read are found out before anything is begun
    run.create()
    _point_at(settings.runs, run.path)
    return run


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
