"""What an audit proves to a stranger: bundles, anchors elsewhere, signatures, checks that go on, retention, stamps."""

import json
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bus.journal import Journal, JournalReader
from bus.keys import ED25519, KeyRing
from bus.run import RunFolder
from bus.seals import read_seals
from bus.segment import segments
from bus.signatures import Signing, public_hex, signing_key
from bus.tear import mark_path
from observers.bundle import export, unpack
from observers.chain import START, link
from observers.keys import public_keys, recorder_key
from observers.pruning import finish, prune, pruned_place
from observers.recorder import rebuild
from observers.sealer import Sealer
from observers.stamps import stamp, stamped
from observers.tables import open_tables
from observers.verify import Checked, remember, remembered, verify
from protocol.bodies import Control, Setting, Verb
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.messages import MessageType
from protocol.topics import BROKER, EVERYONE
from tests.builders import message, status
from tests.systems import need_command

SEGMENTS, EACH = 3, 20
SECOND_NS = 1_000_000_000


def recorded(path: Path, elsewhere: tuple[Path, ...] = ()) -> RunFolder:
    """Return an ended run of three segments, sealed at the end of each; segment n was written at second n."""
    run = RunFolder(path)
    run.create()
    sealer = Sealer(run.id, run.anchor, recorder_key(run), elsewhere)
    head = START
    for number in range(1, SEGMENTS + 1):
        journal = Journal(run.journal, clock_ns=lambda at=number * SECOND_NS: at)  # type: ignore[misc]
        for entry in journal.append([("lead/status", encode(status(number * 100 + n))) for n in range(EACH)]):
            head = link(head, entry)
        sealer.seal(journal.head, head)
        journal.close()
    return run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return recorded(tmp_path / "run")


def test_a_bundle_is_verified_with_nothing_but_itself_and_the_key(run: RunFolder, tmp_path: Path) -> None:
    [key] = public_keys(run)
    export(run, tmp_path / "run.tar")
    shutil.rmtree(run.path)
    found = verify(unpack(tmp_path / "run.tar", tmp_path / "there"), [key])
    assert found.is_good
    assert (found.entries, found.sealed, found.seals) == (SEGMENTS * EACH, SEGMENTS * EACH, SEGMENTS)


def test_a_bundle_holds_nothing_secret(run: RunFolder, tmp_path: Path) -> None:
    export(run, tmp_path / "run.tar")
    secret = KeyRing(run.keys).secret("recorder", ED25519)
    assert secret not in (tmp_path / "run.tar").read_bytes()
    with tarfile.open(tmp_path / "run.tar") as archive:
        assert {member.uname for member in archive} == {""}


def repack(bundle: Path, change: Callable[[Path], None]) -> Path:
    """Return a bundle made again after somebody changed what is in it, its manifest made to fit."""
    folder = bundle.parent / "forger"
    run = unpack(bundle, folder)
    change(run.path)
    export(run, bundle.with_name("forged.tar"))
    return bundle.with_name("forged.tar")


def rewrite(path: Path, change: Callable[[list[tuple[str, bytes]]], None]) -> None:
    """Write a run's journal again, checksums and all, with its entries changed."""
    entries = [(entry.topic, entry.document) for entry in JournalReader(path / "journal").entries()]
    stamps = iter([entry.recorded_ns for entry in JournalReader(path / "journal").entries()])
    change(entries)
    shutil.rmtree(path / "journal")
    journal = Journal(path / "journal", clock_ns=lambda: next(stamps, 10 * SECOND_NS))
    for entry in entries:
        journal.append([entry])
    journal.close()


def edit(entries: list[tuple[str, bytes]]) -> None:
    entries[30] = (entries[30][0], entries[30][1].replace(b"message 210", b"message 211"))


def remove(entries: list[tuple[str, bytes]]) -> None:
    del entries[30]


def insert(entries: list[tuple[str, bytes]]) -> None:
    entries.insert(30, ("lead/status", encode(status(999))))


def reorder(entries: list[tuple[str, bytes]]) -> None:
    entries[30], entries[31] = entries[31], entries[30]


@pytest.mark.parametrize("change", [edit, remove, insert, reorder])
def test_a_journal_written_again_is_found_out(
    change: Callable[[list[tuple[str, bytes]]], None], run: RunFolder, tmp_path: Path
) -> None:
    keys = public_keys(run)
    export(run, tmp_path / "run.tar")
    forged = repack(tmp_path / "run.tar", lambda path: rewrite(path, change))
    found = verify(unpack(forged, tmp_path / "there"), keys)
    assert found.first_bad is not None
    assert found.first_bad <= 31
    assert "changed" in found.reason or "cut" in found.reason


def test_a_forged_seal_and_a_wrong_key_are_found_out(run: RunFolder, tmp_path: Path) -> None:
    stranger = public_hex(signing_key(KeyRing.make(tmp_path / "other"), "recorder"))
    assert "not signed by this key" in verify(run, [stranger]).reason
    *seals, last = read_seals(run.anchor)
    forged = [*seals, replace(last, count=last.count + 1)]
    run.anchor.write_text("".join(json.dumps(asdict(seal)) + "\n" for seal in forged))
    assert "not signed by this key" in verify(run, public_keys(run)).reason


def test_a_bundle_damaged_on_its_way_names_the_file(run: RunFolder, tmp_path: Path) -> None:
    export(run, tmp_path / "run.tar")
    raw = bytearray((tmp_path / "run.tar").read_bytes())
    raw[raw.index(b"message 210") + 8] ^= 1
    (tmp_path / "run.tar").write_bytes(raw)
    with pytest.raises(SourceError, match=r"journal/000000000021.mcap is not what the manifest says"):
        unpack(tmp_path / "run.tar", tmp_path / "there")


def test_a_bundle_cut_short_or_something_else_is_none(run: RunFolder, tmp_path: Path) -> None:
    export(run, tmp_path / "run.tar")
    raw = (tmp_path / "run.tar").read_bytes()
    for number, bad in enumerate((raw[: len(raw) // 2], b"", b"not a tar", raw[:512])):
        (tmp_path / f"{number}.tar").write_bytes(bad)
        with pytest.raises(SourceError):
            unpack(tmp_path / f"{number}.tar", tmp_path / f"there-{number}")


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "journal/../../evil"])
def test_a_bundle_never_writes_outside(name: str, run: RunFolder, tmp_path: Path) -> None:
    manifest = {"format": "agent-orchestra audit bundle 1", "run": "run", "files": {name: {"bytes": 1, "sha256": ""}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.add(tmp_path / "manifest.json", "manifest.json")
    with pytest.raises(SourceError, match="leads out of it"):
        unpack(tmp_path / "evil.tar", tmp_path / "there")
    assert not (tmp_path / "evil").exists()


def test_cutting_the_end_shows_only_against_an_anchor_elsewhere(tmp_path: Path) -> None:
    """Whoever has the whole folder can cut journal and anchor together; the anchor elsewhere tells."""
    (tmp_path / "worm").mkdir()
    run = recorded(tmp_path / "run", (tmp_path / "anchors.jsonl", tmp_path / "worm"))
    segments(run.journal)[-1][1].unlink()
    mark_path(run.journal).unlink()
    first, second, _ = run.anchor.read_text().splitlines(keepends=True)
    run.anchor.write_text(first + second)
    assert verify(run, public_keys(run)).is_good
    for anchor in (tmp_path / "anchors.jsonl", tmp_path / "worm"):
        found = verify(run, public_keys(run), anchors=[anchor])
        assert found.first_bad == 2 * EACH + 1
        assert "it was cut" in found.reason
    assert len(list((tmp_path / "worm").iterdir())) == SEGMENTS


def test_an_anchor_that_was_away_gets_what_it_lacks(tmp_path: Path) -> None:
    away = tmp_path / "disk" / "anchors.jsonl"
    run = RunFolder(tmp_path / "run")
    run.create()
    sealer = Sealer(run.id, run.anchor, recorder_key(run), [away])
    sealer.seal(1, b"\1" * 32)
    away.parent.mkdir()
    sealer.seal(2, b"\2" * 32)
    assert read_seals(away) == read_seals(run.anchor)
    again = Sealer(run.id, run.anchor, recorder_key(run), [away])
    again.seal(3, b"\3" * 32)
    assert [seal.count for seal in read_seals(away)] == [1, 2, 3]


def test_a_file_that_is_no_anchor_is_left_as_it_is_and_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("my notes\nthe last one")
    (tmp_path / "line.txt").write_text("only one")
    run = recorded(tmp_path / "run", (tmp_path / "notes.txt", tmp_path / "line.txt"))
    assert verify(run).sealed == SEGMENTS * EACH
    assert (tmp_path / "notes.txt").read_text() == "my notes\nthe last one"
    assert (tmp_path / "line.txt").read_text() == "only one"


def test_a_journal_begun_again_by_a_second_writer_contradicts_the_anchor_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "anchors.jsonl"
    run = recorded(tmp_path / "run", (elsewhere,))
    keys = shutil.copytree(run.keys, tmp_path / "keys")
    shutil.rmtree(run.path)
    shutil.copytree(keys, tmp_path / "run" / "keys")
    rewritten = RunFolder(tmp_path / "run")
    rewritten.create()
    journal = Journal(rewritten.journal)
    head = START
    for entry in journal.append([("lead/status", encode(status(n))) for n in range(EACH)]):
        head = link(head, entry)
    Sealer(rewritten.id, rewritten.anchor, recorder_key(rewritten)).seal(journal.head, head)
    journal.close()
    assert verify(rewritten, public_keys(rewritten)).is_good
    found = verify(rewritten, public_keys(rewritten), anchors=[elsewhere])
    assert "written twice" in found.reason


def test_a_later_check_reads_only_what_is_new(run: RunFolder, tmp_path: Path) -> None:
    first = verify(run, public_keys(run))
    remember(tmp_path / "state.json", first.place)
    place = remembered(tmp_path / "state.json")
    again = verify(run, public_keys(run), since=place)
    assert first.read == SEGMENTS * EACH
    assert again.read == EACH
    assert again.is_good
    assert (again.entries, again.sealed) == (first.entries, first.sealed)


def test_a_later_check_reads_everything_where_something_was_touched(run: RunFolder, tmp_path: Path) -> None:
    place = verify(run, public_keys(run)).place
    path = segments(run.journal)[0][1]
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"message 105") + 8] ^= 1
    path.write_bytes(raw)
    found = verify(run, public_keys(run), since=place)
    assert found.first_bad == 1
    assert remembered(tmp_path / "nothing.json") is None
    assert verify(run, public_keys(run), since=Checked()).first_bad == 1


def test_a_later_check_against_another_anchor_reads_everything(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run")
    Sealer(run.id, tmp_path / "elsewhere", recorder_key(run)).seal(7, b"\7" * 32)  # of another history
    place = verify(run).place
    assert verify(run, since=place).is_good
    assert verify(run, anchors=[tmp_path / "elsewhere"], since=place).first_bad == 1


def test_what_is_left_after_pruning_is_still_proven(run: RunFolder) -> None:
    gone = prune(run, 3 * SECOND_NS)
    assert [(row.first, row.last) for row in gone] == [(1, EACH), (EACH + 1, 2 * EACH)]
    assert len(segments(run.journal)) == 1
    found = verify(run, public_keys(run))
    assert found.is_good
    assert (found.pruned, found.entries, found.sealed) == (2 * EACH, SEGMENTS * EACH, SEGMENTS * EACH)
    assert prune(run, 3 * SECOND_NS) == []
    assert rebuild(run) == SEGMENTS * EACH
    [count] = open_tables(run).execute("SELECT count(*) FROM messages").fetchone()
    assert count == EACH


def test_a_later_check_of_a_pruned_run_still_says_how_far_it_was_pruned(run: RunFolder) -> None:
    prune(run, 2 * SECOND_NS)
    place = verify(run).place
    again = verify(run, since=place)
    assert (place.position, again.pruned, again.read) == (2 * EACH, EACH, EACH)


def test_a_pruning_that_was_killed_is_finished_by_the_next(run: RunFolder) -> None:
    first = segments(run.journal)[0][1]
    raw = first.read_bytes()
    prune(run, 2 * SECOND_NS)
    first.write_bytes(raw)  # noted as gone, and still there
    assert "prune again" in verify(run).reason
    finish(run)
    assert verify(run).is_good


def test_a_lie_about_what_was_pruned_is_found_out(run: RunFolder) -> None:
    prune(run, 3 * SECOND_NS)
    pruned = pruned_place(run)
    assert pruned is not None
    told = json.loads(run.pruned.read_text())
    run.pruned.write_text(json.dumps({**told, "head": "00" * 32}))
    assert verify(run, public_keys(run)).first_bad is not None
    run.pruned.unlink()
    assert not verify(run, public_keys(run)).is_good


def test_everything_may_be_pruned_and_the_last_seal_still_fits(run: RunFolder) -> None:
    prune(run, 10 * SECOND_NS)
    assert segments(run.journal) == []
    assert verify(run, public_keys(run)).is_good


def test_a_run_that_goes_on_is_neither_pruned_nor_exported(run: RunFolder, tmp_path: Path) -> None:
    journal = Journal(run.journal)
    with pytest.raises(SourceError, match="still going on"):
        prune(run, 10 * SECOND_NS)
    with pytest.raises(SourceError, match="still going on"):
        export(run, tmp_path / "run.tar")
    journal.close()


def signed(path: Path, strip: int | None = None, signer: str = "worker") -> RunFolder:
    """Return a run whose messages are signed; one may lack its signature, or all be signed with another key."""
    run = RunFolder(path, None, Signing.MESSAGES)
    run.create()
    run.prepare_keys([BROKER, "@worker", "@other"])
    journal = Journal(run.journal)
    body = Control(verb=Verb.EPOCH, subject="epoch 1", settings=(Setting(name="signing", value="messages"),))
    epoch = encode(message(MessageType.CONTROL, body, "e", sender=BROKER, recipient=EVERYONE))
    sign_epoch, sign = run.signer(BROKER), run.signer(f"@{signer}")
    assert sign_epoch is not None
    assert sign is not None
    journal.append([("everyone/control", epoch, sign_epoch(epoch))])
    raws = [encode(status(n)) for n in range(EACH)]
    journal.append([("lead/status", raw, b"" if n == strip else sign(raw)) for n, raw in enumerate(raws)])
    head = START
    for entry in JournalReader(run.journal).entries():
        head = link(head, entry)
    Sealer(run.id, run.anchor, recorder_key(run)).seal(journal.head, head)
    journal.close()
    return run


def test_every_signature_of_a_signed_run_is_checked(tmp_path: Path) -> None:
    good = signed(tmp_path / "good")
    assert verify(good, public_keys(good)).signed == EACH + 1
    lacking = signed(tmp_path / "lacking", strip=4)
    assert verify(lacking, public_keys(lacking)).reason == "entry 6 is not signed"
    foreign = signed(tmp_path / "foreign", signer="other")
    assert verify(foreign, public_keys(foreign)).reason == "entry 2 is not signed by @worker"


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    """A time-stamp server on this machine: OpenSSL's, behind HTTP."""
    need_command("openssl", "openssl")
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = here\n[here]\nserial = serial\ncrypto_device = builtin\nsigner_cert = tsa.pem\n"
        "signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
        "digests = sha256, sha512\naccuracy = secs:1\nordering = yes\nless_name = yes\ness_cert_id_chain = no\n"
        "[ext]\nextendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n"
        "basicConstraints = critical,CA:FALSE\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
        "[ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n"
        "[req]\ndistinguished_name = name\n[name]\n"
    )
    (folder / "serial").write_text("01\n")
    new_key, with_config = "-newkey rsa:2048 -nodes", "-days 2 -config tsa.cnf -extensions"
    for command in (
        f"req -x509 {new_key} -keyout root.key -out root.pem -subj /CN=Root {with_config} ca",
        f"req {new_key} -keyout tsa.key -out tsa.csr -subj /CN=TSA -config tsa.cnf",
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -out tsa.pem -extfile tsa.cnf"
        " -extensions ext",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query.tsq").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq"]
            raw = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
            self.send_response(200)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_time_stamp_says_when_a_seal_existed_and_over_another_seal_it_says_nothing(
    run: RunFolder, authority: str, tmp_path: Path
) -> None:
    roots = (tmp_path / "tsa" / "root.pem").read_bytes()
    stamp(run, authority)
    [(seal, _, is_checked)] = stamped(run, roots)
    assert (seal.count, is_checked) == (SEGMENTS * EACH, True)
    [(_, _, is_checked)] = stamped(run, None)
    assert not is_checked
    [path] = run.stamps.iterdir()
    path.rename(run.stamps / f"{EACH:012}.tsr")
    for trusted in (roots, None):
        with pytest.raises(SourceError, match=f"does not stamp the seal over {EACH} entries"):
            stamped(run, trusted)


def test_a_server_that_does_not_stamp_is_named(run: RunFolder) -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9 cannot be reached"):
        stamp(run, "http://127.0.0.1:9")
    with pytest.raises(SourceError, match="cannot be reached: nonnumeric port"):
        stamp(run, "http://localhost:xyz")
    with pytest.raises(SourceError, match="not the http address"):
        stamp(run, "ftp://example.org")


def test_nothing_is_proven_by_what_was_pruned_alone(run: RunFolder) -> None:
    """Everything sealed is gone, and what is there instead was never sealed."""
    for _, path in segments(run.journal):
        path.unlink()
    mark_path(run.journal).unlink()
    told = {"last": SEGMENTS * EACH, "head": "00" * 32, "must_sign": False, "gone": []}
    run.pruned.write_text(json.dumps(told))
    assert verify(run).first_bad == 1
    run.pruned.write_text(json.dumps({**told, "last": 10**9}))
    assert verify(run).first_bad == 1


def test_a_file_beside_the_chain_is_named(run: RunFolder) -> None:
    first = segments(run.journal)[0][1]
    shutil.copy(first, run.journal / "000000000005.mcap")
    assert not verify(run).is_good
    (run.journal / "000000000005.mcap").unlink()
    shutil.copy(first, run.journal / "1.mcap")
    found = verify(run)
    assert found.first_bad == 1
    assert "1.mcap" in found.reason


def test_a_key_without_a_seal_proves_nothing(run: RunFolder) -> None:
    [key] = public_keys(run)
    run.anchor.unlink()
    assert "no seal" in verify(run, [key]).reason


def test_signing_is_never_taken_back(tmp_path: Path) -> None:
    run = signed(tmp_path / "run")
    body = Control(verb=Verb.EPOCH, subject="epoch 2", settings=(Setting(name="signing", value="seals"),))
    epoch = encode(message(MessageType.CONTROL, body, "e2", sender=BROKER, recipient=EVERYONE))
    journal = Journal(run.journal)
    journal.append([("everyone/control", epoch), ("lead/status", encode(status(99)))])
    journal.close()
    assert "is not signed" in verify(run).reason


def test_a_sender_in_a_comment_is_nobodys_signature(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", None, Signing.MESSAGES)
    run.create()
    run.prepare_keys(["@worker", "@other"])
    sign = run.signer("@worker")
    assert sign is not None
    raw = encode(status(1, sender="@other")).replace(b"<sender>", b"<!--<sender>@worker<--><sender>", 1)
    journal = Journal(run.journal)
    journal.append([("lead/status", raw, sign(raw))])
    journal.close()
    assert verify(run).reason == "entry 1 is not signed by @other"


def test_a_sparse_file_in_a_bundle_is_refused(tmp_path: Path) -> None:
    need_command("truncate", "coreutils")
    big = tmp_path / "journal"
    big.mkdir()
    subprocess.run(["truncate", "-s", "1G", "000000000001.mcap"], cwd=big, check=True)
    files = {"journal/000000000001.mcap": {"bytes": 1 << 30, "sha256": ""}}
    manifest = {"format": "agent-orchestra audit bundle 1", "run": "run", "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    command = ["tar", "-S", "-cf", "evil.tar", "manifest.json", "journal/000000000001.mcap"]
    subprocess.run(command, cwd=tmp_path, check=True)
    with pytest.raises(SourceError, match="not the file that the manifest names"):
        unpack(tmp_path / "evil.tar", tmp_path / "there")


def test_two_runs_seal_into_one_file_at_once(tmp_path: Path) -> None:
    shared = tmp_path / "anchors.jsonl"

    def seal(name: str) -> None:
        run = RunFolder(tmp_path / name)
        run.create()
        sealer = Sealer(run.id, run.anchor, recorder_key(run), [shared])
        for count in range(1, 101):
            sealer.seal(count, count.to_bytes(32, "big"))

    threads = [threading.Thread(target=seal, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [(seal.run, seal.count) for seal in read_seals(shared)]
    assert sorted(kept) == sorted((name, count) for name in ("one", "two", "three") for count in range(1, 101))
