"""A run as one file that anybody can check on another machine: journal, schema, seals, public keys, manifest.

A plain tar archive. Nothing secret is in it: no private key, no artifact, no log.
"""

import io
import json
import tarfile
import time
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Any, Final

from bus.lock import is_open
from bus.run import RunFolder
from protocol.errors import SourceError
from protocol.schema import schema_bytes, schema_digest

_FORMAT: Final = "agent-orchestra audit bundle 1"
_MANIFEST: Final = "manifest.json"
_LARGEST_MANIFEST_BYTES: Final = 16 * 1024 * 1024


def export(run: RunFolder, target: Path) -> int:
    """Write the bundle of an ended run and return its size in bytes.

    Raises:
        SourceError: the run is going on, the file exists, or it cannot be written.
    """
    if is_open(run.journal):
        raise SourceError(f"{run.path} is still going on; export it when it has ended")
    if target.exists():
        raise SourceError(f"{target} exists already; choose another file")
    draft = target.with_name(f".{target.name}.part")
    try:
        with tarfile.open(draft, "w") as archive:
            files = dict(_files(run))
            _add(archive, _MANIFEST, json.dumps(_manifest(run, files), indent=1).encode())
            _add(archive, "schema.xsd", schema_bytes())
            for name, path in files.items():
                archive.add(path, name, recursive=False, filter=_anonymous)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SourceError(f"{target} cannot be written: {error.strerror}") from error
    return target.stat().st_size


def _files(run: RunFolder) -> Iterator[tuple[str, Path]]:
    """Yield what goes in, by its name there."""
    patterns = ("journal/*.mcap", "journal/torn-*.bin", "journal/pruned.json", "anchor", "stamps/*.tsr")
    for pattern in (*patterns, "keys/*.pub", "keys/retired/*.pub"):
        for path in sorted(run.path.glob(pattern)):
            yield path.relative_to(run.path).as_posix(), path


def _manifest(run: RunFolder, files: dict[str, Path]) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "run": run.id,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "schema_sha256": schema_digest(),
        "files": {name: {"bytes": path.stat().st_size, "sha256": _digest(path)} for name, path in files.items()},
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _add(archive: tarfile.TarFile, name: str, raw: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(raw), int(time.time())
    archive.addfile(member, io.BytesIO(raw))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Say nothing of the machine and the user it comes from."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack(bundle: Path, folder: Path) -> RunFolder:
    """Unpack a bundle below a folder and return the run in it.

    Every file is held against the manifest; what the manifest does not name is not unpacked.

    Raises:
        SourceError: it is no bundle, or a file in it is missing, damaged or leads elsewhere.
    """
    try:
        with tarfile.open(bundle, "r:") as archive:
            manifest = _read_manifest(bundle, archive)
            run = RunFolder(folder / _safe(manifest["run"]))
            for name, told in manifest["files"].items():
                path = run.path / _safe(name)
                _extract(archive, name, path, int(told["bytes"]))
                if _digest(path) != told["sha256"]:
                    raise SourceError(f"{bundle}: {name} is not what the manifest says; it was damaged or changed")
    except (
        tarfile.TarError,
        OSError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise SourceError(f"{bundle} is no audit bundle, or is cut short: {error}") from error
    return run


def _read_manifest(bundle: Path, archive: tarfile.TarFile) -> dict[str, Any]:
    first = archive.next()
    if first is None or first.name != _MANIFEST or first.size > _LARGEST_MANIFEST_BYTES:
        raise SourceError(f"{bundle} is no audit bundle: it does not begin with a manifest")
    file = archive.extractfile(first)
    manifest = json.loads(file.read()) if file else {}
    if manifest.get("format") != _FORMAT:
        raise SourceError(f"{bundle} is a bundle of another format: {manifest.get('format')!r}")
    return dict(manifest)


def _extract(archive: tarfile.TarFile, name: str, path: Path, size: int) -> None:
    member = archive.getmember(name)
    source = archive.extractfile(member) if member.isreg() and not member.issparse() and member.size == size else None
    if source is None:
        raise SourceError(f"{name} in the bundle is not the file that the manifest names")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as target:
        while part := source.read(1 << 20):
            target.write(part)


def _safe(name: str) -> str:
    """Return a relative path that stays below where it is put."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise SourceError(f"the bundle names {name[:200]!r}, which leads out of it")
    return str(path)
