"""Works for tests of skills: inputs by name, settings, and a store of their own."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from agents.work import Work
from bus.artifacts import ArtifactStore
from protocol.bodies import File, Setting, TaskAssignment


def work_with(
    folder: Path,
    files: Mapping[str, str | bytes],
    settings: Mapping[str, str] = MappingProxyType({}),
    *,
    strategy: str | None = None,
    timeout_s: int | None = None,
) -> Work:
    """Return an attempt of a task with these inputs and settings, by their paths and names."""
    store = ArtifactStore(folder / "store")
    inputs = tuple(_put(store, path, data) for path, data in files.items())
    told = tuple(Setting(name=name, value=value) for name, value in settings.items())
    body = TaskAssignment(
        title="t", skill="s", folder="mission/t", inputs=inputs, settings=told, strategy=strategy, timeout_s=timeout_s
    )
    return Work("t", 1, body, store, report=lambda progress: None)


def _put(store: ArtifactStore, path: str, data: str | bytes) -> File:
    return store.put(data if isinstance(data, bytes) else data.encode(), path=path, media_type="text/plain")
