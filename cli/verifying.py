"""`orchestra audit verify`, `export`, `prune` and `stamp`: what an audit can prove, to whom, and for how long."""

import contextlib
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.auditing import stamp_of
from cli.exits import Exit
from cli.missions import Json, RunName
from cli.runs import find_run, memory_of
from cli.screen import say, say_json, warn
from cli.settings import load
from observers.bundle import export as export_bundle
from observers.bundle import unpack
from observers.keys import public_keys
from observers.pruning import finish
from observers.pruning import prune as take_out
from observers.recorder import rebuild as rebuild_tables
from observers.stamps import Stamped, stamp, stamped
from observers.verify import Finding, remember, remembered, verify

_KEY = re.compile(r"[0-9a-fA-F]{64}")
Keys = Annotated[list[str] | None, typer.Option("--key", help="The recorder's public key, 64 hexadecimal digits.")]
Anchors = Annotated[list[Path] | None, typer.Option("--anchor", help="Seals kept elsewhere: a file or a folder.")]
RunOrFile = Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run, or a bundle made by `audit export`.")]
Roots = Annotated[
    Path | None,
    typer.Option("--tsa-root", exists=True, dir_okay=False, help="Certificates (PEM) of trusted time-stamp servers."),
]


def verify_run(
    name: RunOrFile = "last",
    key: Keys = None,
    anchor: Anchors = None,
    roots: Roots = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything, also what was verified before.")] = False,
    as_json: Json = False,
) -> None:
    """Hold a run's journal, or a bundle, against its seals; only the recorder's public key is needed.

    A key that lies beside the journal shows only that both fit together: give the one you were told, with --key.

    Exit codes: 0 nothing was changed, 1 something was, with the first sequence that cannot be trusted.
    """
    for one in key or ():
        if not _KEY.fullmatch(one):
            raise typer.BadParameter(f"{one!r} is no public key: 64 hexadecimal digits", param_hint="--key")
    with tempfile.TemporaryDirectory(prefix="orchestra-audit-") as folder:
        is_bundle = Path(name).is_file()
        run = unpack(Path(name), Path(folder)) if is_bundle else find_run(load(), name)
        memory = None if is_bundle else memory_of(run.path)
        since = remembered(memory) if memory is not None and not full else None
        found = verify(run, key or (), anchors=anchor or [], since=since)
        stamps = stamped(run, roots.read_bytes() if roots else None) if found.is_good else []
    if memory is not None and found.is_good:
        with contextlib.suppress(OSError):  # not being able to remember costs time, nothing else
            remember(memory, found.place)
    if as_json:
        say_json(_finding(name if is_bundle else str(run.path), found, stamps))
    else:
        _tell_finding(found, stamps)
    raise typer.Exit(Exit.DONE if found.is_good else Exit.FAILED)


def _finding(where: str, found: Finding, stamps: list[Stamped]) -> dict[str, Any]:
    return {
        "run": where,
        "good": found.is_good,
        "entries": found.entries,
        "read": found.read,
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "seals": found.seals,
        "signed": found.signed,
        "pruned": found.pruned,
        "first_bad": found.first_bad,
        "reason": found.reason,
        "stamps": [{"count": seal.count, "time": when.isoformat(), "checked": ok} for seal, when, ok in stamps],
    }


def _tell_finding(found: Finding, stamps: list[Stamped]) -> None:
    if not found.is_good:
        warn(f"bad: entry {found.first_bad} and what follows cannot be trusted: {found.reason}", "bold red")
        warn(f"{found.sealed} entries before it are sealed and unchanged")
        return
    say(f"good: {found.entries} entries, chained and unchanged; sealed up to {found.sealed}")
    if found.read < found.entries - found.pruned:
        say(f"{found.read} entries were read, the others when they were verified before; all of them: --full", "dim")
    if found.pruned:
        say(f"entries 1 to {found.pruned} were pruned; what is left continues their chain", "yellow")
    if found.signed:
        say(f"{found.signed} of the messages read are signed by their senders")
    if found.unsealed:
        say(f"{found.unsealed} entries after the last seal: chained, but nobody vouches for their end", "yellow")
    for seal, when, is_checked in stamps:
        doubt = "" if is_checked else "; the stamp's issuer was not checked, give --tsa-root"
        say(f"the first {seal.count} entries existed at {when:%Y-%m-%d %H:%M:%S %Z}{doubt}")
    if found.reason:
        say(found.reason, "dim")


def export(name: RunName, file: Annotated[Path, typer.Argument(help="The bundle to write, such as run.tar.")]) -> None:
    """Put a run's journal, schema, seals and public keys into one file that anybody can verify elsewhere."""
    run = find_run(load(), name)
    size = export_bundle(run, file)
    if not run.anchor.exists():
        say(f"{file}: {size:,} bytes; nothing in it is sealed, so nobody vouches for it", "yellow")
        return
    say(f"{file}: {size:,} bytes; check it anywhere: orchestra audit verify {file} --key KEY")
    say(f"the recorder's public key, to be given by another way: {public_keys(run)[0]}")


def prune(
    name: RunName, before: Annotated[str, typer.Option(help="Take out what was recorded before this time, ISO 8601.")]
) -> None:
    """Take old segments out of an ended run. Their digests stay, so what is left can still be verified.

    Only whole segments go, and only after the run was verified. A pruned run cannot be resumed or replayed; its
    tables are made again from what is left.
    """
    run, before_ns = find_run(load(), name), stamp_of(before)
    finish(run)
    found = verify(run)
    if not found.is_good:
        warn(f"nothing was pruned: entry {found.first_bad} cannot be trusted: {found.reason}", "bold red")
        raise typer.Exit(Exit.FAILED)
    gone = take_out(run, before_ns)
    if not gone:
        say("nothing was pruned: no whole segment is that old")
        return
    rebuild_tables(run)
    say(f"{len(gone)} segments, {sum(row.bytes for row in gone):,} bytes; their digests stay in {run.pruned}")


def stamp_run(
    name: RunName = "last",
    authority: Annotated[str, typer.Option(help="The server's address; default: `authority` of the settings.")] = "",
) -> None:
    """Have a run's last seal stamped by a time-stamp server (RFC 3161)."""
    settings = load()
    say(f"{stamp(find_run(settings, name), authority or settings.authority)}")
