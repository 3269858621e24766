"""What a scenario hands to the launcher: a name, a cast, a plan, and where the results go."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bus.artifacts import ArtifactStore
from bus.roles import Role
from protocol.bodies import File, Plan
from protocol.errors import SourceError
from protocol.topics import GATEKEEPER, RECORDER, TECH_LEAD


@dataclass(frozen=True, slots=True)
class CastMember:
    """Somebody who takes part. instances: how many processes may share a specialist's work."""

    name: str
    role: Role
    instances: int = 1


@dataclass(frozen=True, slots=True)
class Mission:
    """A mission ready to start.

    settings: what `orchestra resume` needs to know again; journaled with the start.
    """

    scenario: str
    coordinator: str
    specialists: tuple[CastMember, ...]
    plan: Plan
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def cast(self) -> tuple[CastMember, ...]:
        """Everybody whose name has to exist in the run."""
        return (
            CastMember(TECH_LEAD, Role.TECH_LEAD),
            CastMember(self.coordinator, Role.COORDINATOR),
            CastMember(GATEKEEPER, Role.GATEKEEPER),
            CastMember(RECORDER, Role.RECORDER),
            *self.specialists,
        )


def check_writable(output: Path) -> None:
    """Find out before a mission starts whether its results can be written.

    Raises:
        SourceError: they cannot.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=output):
            pass
        if not any(output.iterdir()):
            output.rmdir()
    except OSError as error:
        raise SourceError(f"{output} cannot be written: {error.strerror}; choose another --output") from error


def write_results(files: tuple[File, ...], store: ArtifactStore, output: Path) -> list[Path]:
    """Write accepted artifacts under a folder, each whole or not at all, and return their paths.

    Raises:
        SourceError: one cannot be read or written, or would leave the folder.
    """
    written = []
    for file in files:
        # mission/<task>/<path>: the first two parts are the run's business, not the reader's.
        parts = PurePosixPath(file.path).parts[2:]
        if not parts or ".." in parts or PurePosixPath(file.path).is_absolute():
            raise SourceError(f"the artifact path {file.path!r} does not lead into {output}")
        target = output.joinpath(*parts)
        try:
            if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(output)):
                raise SourceError(f"the artifact path {file.path!r} leads out of {output} over a link")
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.part")
            draft.write_bytes(store.get(file))
            draft.replace(target)
        except OSError as error:
            raise SourceError(f"{target} cannot be written: {error.strerror}; choose another --output") from error
        except ValueError as error:  # a null or half a pair, which no document can carry but a model can
            raise SourceError(f"{file.path!r} cannot be the name of a file") from error
        written.append(target)
    return written
