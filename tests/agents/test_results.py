"""Kept results: when one is used, when not, and what is left when disk, rows and files are not what they were."""

import fcntl
import multiprocessing
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from agents.definitions.definition import Definition, parse
from agents.dependencies import dependencies
from agents.results import Kept, Missed, ResultStore
from agents.results_key import Key, key_of, read_key
from protocol.bodies import File, Setting, TaskAssignment
from protocol.errors import DefinitionError, SourceError

HOUR_S = 3_600
AGENT = Definition(name="worker", description="Works.", role="You work.", skills=("s",), max_age_s=HOUR_S)
TASK = TaskAssignment(
    title="t",
    skill="s",
    folder="mission/t",
    inputs=(File(path="a.md", sha256="1" * 64), File(path="b.md", sha256="2" * 64)),
    settings=(Setting(name="strict", value="on"), Setting(name="round", value="1")),
    accept=("errors < 3",),
)


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now_ns: int = 1_795_253_400_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def go(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ResultStore:
    return ResultStore(tmp_path / "results", clock_ns=clock)


def made(clock: Clock, name: str = "one", content: bytes = b"content", max_age_s: int = HOUR_S) -> Kept:
    key = Key((("agent", "worker"), ("skill", name)))
    return Kept(
        key=key.digest,
        spelled=key.spelled,
        document=b"<verdict/>",
        contents={sha256(content).hexdigest(): content},
        agent="worker",
        folder="mission/t",
        run="run",
        task="t",
        created_ns=clock(),
        max_age_s=max_age_s,
    )


def found(store: ResultStore, kept: Kept, max_age_s: int = HOUR_S) -> Kept:
    entry = store.find(kept.key, kept.agent, max_age_s)
    assert isinstance(entry, Kept), entry
    return entry


def missed(store: ResultStore, kept: Kept, max_age_s: int = HOUR_S) -> Missed:
    entry = store.find(kept.key, kept.agent, max_age_s)
    assert isinstance(entry, Missed)
    return entry


def test_what_is_kept_comes_back_as_it_was(store: ResultStore, clock: Clock) -> None:
    kept = made(clock)
    assert store.keep(kept)
    clock.go(60)
    entry = found(store, kept)
    assert replace(entry, used_ns=0) == kept
    store.used(entry)
    again = found(store, kept)
    assert (again.uses, again.used_ns) == (1, clock())


OTHERS: dict[str, tuple[Definition, TaskAssignment]] = {
    "agent": (replace(AGENT, name="other"), TASK),
    "role": (replace(AGENT, role="You work well."), TASK),
    "skills": (replace(AGENT, skills=("s", "t")), TASK),
    "model": (replace(AGENT, model="opus"), TASK),
    "tools": (replace(AGENT, tools=("Read",)), TASK),
    "skill": (AGENT, TASK.model_copy(update={"skill": "t"})),
    "path": (AGENT, TASK.model_copy(update={"inputs": (File(path="c.md", sha256="1" * 64), TASK.inputs[1])})),
    "content": (AGENT, TASK.model_copy(update={"inputs": (File(path="a.md", sha256="3" * 64), TASK.inputs[1])})),
    "order": (AGENT, TASK.model_copy(update={"inputs": TASK.inputs[::-1]})),
    "fewer inputs": (AGENT, TASK.model_copy(update={"inputs": TASK.inputs[:1]})),
    "round": (AGENT, TASK.model_copy(update={"settings": (TASK.settings[0], Setting(name="round", value="2"))})),
    "condition": (AGENT, TASK.model_copy(update={"accept": ("errors < 2",)})),
    "feedback": (AGENT, TASK.model_copy(update={"feedback": "two quotes are wrong"})),
    "empty feedback": (AGENT, TASK.model_copy(update={"feedback": ""})),
    "strategy": (AGENT, TASK.model_copy(update={"strategy": "smaller-parts"})),
    "tokens": (AGENT, TASK.model_copy(update={"max_tokens": 1000})),
}


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_a_result_depends_on_makes_another_key(what: str) -> None:
    assert key_of(*OTHERS[what]).digest != key_of(AGENT, TASK).digest


def test_no_two_of_those_share_a_key() -> None:
    assert len({key_of(*other).digest for other in OTHERS.values()}) == len(OTHERS)


@pytest.mark.parametrize("change", [{"title": "u"}, {"folder": "mission/u"}, {"timeout_s": 9}, {"max_age_s": 9}])
def test_what_a_result_does_not_depend_on_makes_no_other_key(change: dict[str, object]) -> None:
    assert key_of(AGENT, TASK.model_copy(update=change)).digest == key_of(AGENT, TASK).digest


def test_the_order_of_settings_makes_no_other_key() -> None:
    turned = TASK.model_copy(update={"settings": TASK.settings[::-1]})
    assert key_of(AGENT, turned).digest == key_of(AGENT, TASK).digest


def test_a_key_can_be_read_again_and_holds_release_and_code() -> None:
    key = key_of(AGENT, TASK.model_copy(update={"feedback": 'two\nlines, and a "quote"'}))
    assert read_key(key.spelled) == key
    assert {"version", "code", "definition"} <= {component[0] for component in key.components}


def test_a_result_is_used_until_it_is_too_old_by_either_limit(store: ResultStore, clock: Clock) -> None:
    kept = made(clock, max_age_s=100)
    store.keep(kept)
    clock.go(100)
    found(store, kept)
    missed(store, kept, max_age_s=99)
    clock.go(1)
    missed(store, kept)


def test_a_result_of_the_future_is_not_used(store: ResultStore, clock: Clock) -> None:
    kept = made(clock)
    store.keep(kept)
    clock.go(-1)
    missed(store, kept)


def test_an_older_result_does_not_replace_a_newer_one(store: ResultStore, clock: Clock) -> None:
    old = made(clock)
    clock.go(5)
    new = replace(old, created_ns=clock(), run="later")
    assert store.keep(new)
    assert not store.keep(old)
    assert found(store, old).run == "later"


def test_what_was_used_longest_ago_goes_first(store: ResultStore, clock: Clock) -> None:
    small = replace(store, most_bytes=200_000)
    entries = [made(clock, str(number), bytes([number]) * 30_000) for number in range(6)]
    for entry in entries:
        clock.go(1)
        small.keep(entry)
    clock.go(1)
    small.used(found(small, entries[0]))
    clock.go(1)
    small.keep(made(clock, "last", b"x" * 30_000))
    left = set(small.known())
    assert entries[0].key in left
    assert {entries[1].key, entries[2].key}.isdisjoint(left)
    assert small.stats().bytes <= 200_000
    files = list((small.folder / "contents").glob("*/*"))
    assert len(files) == len(left)


def test_what_is_too_old_goes_before_what_was_used_longest_ago(store: ResultStore, clock: Clock) -> None:
    small = replace(store, most_bytes=100_000)
    lasting, brief = made(clock, "lasting", b"l" * 40_000), made(clock, "brief", b"b" * 40_000, max_age_s=1)
    small.keep(lasting)
    clock.go(1)
    small.keep(brief)
    clock.go(60)
    small.keep(made(clock, "new", b"n" * 40_000))
    assert brief.key not in small.known()
    assert lasting.key in small.known()


def test_what_is_larger_than_the_whole_store_is_not_kept_and_drives_nothing_out(
    store: ResultStore, clock: Clock
) -> None:
    small = replace(store, most_bytes=50_000)
    first = made(clock)
    small.keep(first)
    assert not small.keep(made(clock, "huge", b"x" * 60_000))
    found(small, first)


def test_files_that_two_results_share_are_counted_once_and_stay_until_both_are_gone(
    store: ResultStore, clock: Clock
) -> None:
    one, two = made(clock, "one", b"s" * 10_000), replace(made(clock, "two", b"s" * 10_000), agent="other")
    store.keep(one)
    store.keep(two)
    assert 10_000 < store.stats().bytes < 20_000
    store.clear(agent="other")
    found(store, one)
    assert store.clear()[0] == 1
    assert not list((store.folder / "contents").glob("*/*"))


def test_clearing_takes_what_is_asked_and_says_how_much(store: ResultStore, clock: Clock) -> None:
    old = made(clock, "old", b"old")
    store.keep(old)
    clock.go(3_600)
    new = made(clock, "new", b"new")
    store.keep(new)
    assert store.clear(agent="nobody") == (0, 0)
    assert store.clear(older_than_s=1_800)[0] == 1
    assert store.known() == (new.key,)


def test_hits_misses_and_what_was_dropped_are_counted_by_agent(store: ResultStore, clock: Clock) -> None:
    kept = made(clock)
    missed(store, kept)
    store.keep(kept)
    store.used(found(store, kept))
    store.used(found(store, kept))
    store.drop(kept.key, kept.agent)
    store.drop(kept.key, kept.agent)
    [tally] = store.stats().tallies
    assert (tally.entries, tally.hits, tally.misses, tally.dropped) == (0, 2, 1, 1)


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def _content(store: ResultStore) -> Path:
    return next((store.folder / "contents").glob("*/*"))


def _sql(store: ResultStore, statement: str) -> None:
    index = sqlite3.connect(store.folder / "index.db")
    index.execute(statement)
    index.commit()
    index.close()


DAMAGES: dict[str, Callable[[ResultStore], None]] = {
    "file changed": lambda store: _flip(_content(store)),
    "file cut": lambda store: os.truncate(_content(store), 3),
    "file gone": lambda store: _content(store).unlink(),
    "document changed": lambda store: _sql(store, "UPDATE entries SET document = x'3c'"),
    "document of another type": lambda store: _sql(store, "UPDATE entries SET document = 7"),
    "age changed": lambda store: _sql(store, "UPDATE entries SET created_ns = created_ns + 1"),
    "age no number": lambda store: _sql(store, "UPDATE entries SET created_ns = 'soon'"),
    "key text changed": lambda store: _sql(store, "UPDATE entries SET spelled = 'x'"),
    "no UTF-8": lambda store: _sql(store, "UPDATE entries SET task = CAST(x'ff' AS TEXT)"),
    "another file named": lambda store: _sql(store, "UPDATE parts SET digest = '../../lock'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_dropped_and_counted_and_can_be_kept_anew(
    damage: str, store: ResultStore, clock: Clock
) -> None:
    kept = made(clock)
    store.keep(kept)
    DAMAGES[damage](store)
    assert missed(store, kept).is_damaged
    assert (store.stats().entries, store.stats().tallies[0].dropped) == (0, 1)
    assert store.keep(kept)
    found(store, kept)


INDEX_DAMAGES: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"this is no database, and long enough to be one" * 200),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096)),
    "cut": lambda path: os.truncate(path, 5000),
    "of another version": lambda path: sqlite3.connect(path, isolation_level=None).execute("PRAGMA user_version = 99"),
    "with other tables": lambda path: sqlite3.connect(path, isolation_level=None).execute("DROP TABLE parts"),
}


@pytest.mark.filterwarnings("ignore:unclosed database")
@pytest.mark.parametrize("damage", INDEX_DAMAGES)
def test_a_damaged_index_is_set_aside_and_begun_anew(damage: str, store: ResultStore, clock: Clock) -> None:
    kept = made(clock)
    store.keep(kept)
    INDEX_DAMAGES[damage](store.folder / "index.db")
    missed(store, kept)
    assert (store.folder / "damaged-index.db").exists()
    assert not list((store.folder / "contents").glob("*/*"))
    assert {tally.agent: tally.dropped for tally in store.stats().tallies}[""] == 1
    store.keep(kept)
    found(store, kept)


def test_a_folder_that_cannot_be_is_an_error_that_says_so(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be used"):
        ResultStore(tmp_path / "file" / "results", clock_ns=clock).keep(made(clock))


def test_a_folder_that_others_can_write_is_not_trusted(store: ResultStore, clock: Clock) -> None:
    store.keep(made(clock))
    store.folder.chmod(0o777)
    with pytest.raises(SourceError, match="can be written by others"):
        store.find(made(clock).key, "worker", HOUR_S)


def _keep_on_a_small_disk(folder: Path, answer: "multiprocessing.Queue[str]") -> None:
    clock = Clock()
    store = ResultStore(folder, clock_ns=clock)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        store.keep(made(clock, "large", b"x" * 200_000))
    except SourceError as error:
        answer.put(str(error))


def test_a_disk_that_takes_no_more_is_an_error_and_leaves_no_half_result(store: ResultStore, clock: Clock) -> None:
    small = made(clock, "small")
    store.keep(small)
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[str] = context.Queue()
    process = context.Process(target=_keep_on_a_small_disk, args=(store.folder, answer))
    process.start()
    assert "cannot be used" in answer.get(timeout=30)
    process.join()
    assert store.known() == (small.key,)
    assert [path.stat().st_size for path in (store.folder / "contents").glob("*/*")] == [len(b"content")]


@pytest.mark.slow
def test_a_lock_that_is_never_let_go_is_an_error_after_seconds(store: ResultStore, clock: Clock) -> None:
    store.keep(made(clock))
    other = os.open(store.folder / "lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(SourceError, match="has held the lock"):
        store.stats()
    os.close(other)
    assert store.stats().entries == 1


def _keep_and_find(folder: Path, name: str, rounds: int) -> None:
    clock = Clock()
    store = ResultStore(folder, most_bytes=120_000, clock_ns=clock)
    for number in range(rounds):
        kept = made(clock, f"{number % 7}", bytes([number % 7]) * 20_000)
        store.keep(replace(kept, run=name))
        entry = store.find(kept.key, "worker", HOUR_S)
        assert isinstance(entry, Kept) or not entry.is_damaged
        if isinstance(entry, Kept):
            assert entry.contents == kept.contents
            store.used(entry)
        clock.go(1)


def test_two_processes_keep_find_and_evict_at_once_and_never_see_half_a_result(store: ResultStore) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_keep_and_find, args=(store.folder, name, 60)) for name in ("one", "two")]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    stats = store.stats()
    assert stats.bytes <= 120_000
    assert all(tally.dropped == 0 for tally in stats.tallies)


def test_a_file_touched_but_not_changed_is_no_change(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("a,1")
    before = dependencies(tmp_path, files=[Path("prices.csv")])
    os.utime(path, (1, 1))
    assert dependencies(tmp_path, files=[Path("prices.csv")]) == before
    assert before[0].name == "depends-file:prices.csv"
    path.write_text("a,2")
    assert dependencies(tmp_path, files=[Path("prices.csv")]) != before


def test_files_with_odd_names_stay_apart(tmp_path: Path) -> None:
    for name in ("a b", "a-b", "ä b", "x" * 200):
        (tmp_path / name).write_text("")
    names = [Path("a b"), Path("a-b"), Path("ä b"), Path("x" * 200)]
    settings = dependencies(tmp_path, files=names)
    assert len({setting.name for setting in settings}) == 4


def test_configuration_counts_by_value_and_its_values_are_not_told(tmp_path: Path) -> None:
    [setting] = dependencies(tmp_path, configuration={"mode": "swordfish"})
    assert "swordfish" not in setting.value
    assert dependencies(tmp_path, configuration={"mode": "other"}) != (setting,)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_and_branch_that_are_checked_out_count(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "one")
    first = {setting.name: setting.value for setting in dependencies(tmp_path, git=True)}
    assert first == {"depends-git-commit": git(tmp_path, "rev-parse", "HEAD"), "depends-git-branch": "main"}
    git(tmp_path, "switch", "--quiet", "--create", "other")
    other = {setting.name: setting.value for setting in dependencies(tmp_path, git=True)}
    assert other == {**first, "depends-git-branch": "other"}
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "two")
    assert {s.name: s.value for s in dependencies(tmp_path, git=True)}["depends-git-commit"] != first[
        "depends-git-commit"
    ]


def test_a_folder_without_repository_or_commit_and_a_file_that_is_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no commit that a task could depend on; git says"):
        dependencies(tmp_path, git=True)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(SourceError, match="no commit that a task could depend on"):
        dependencies(tmp_path, git=True)
    with pytest.raises(SourceError, match=r"nosuch.*cannot be read"):
        dependencies(tmp_path, files=[Path("nosuch")])


@pytest.mark.parametrize("age", ["soon", "1.5", "-1", "true", "[1]", "99999999"])
def test_an_age_that_is_none_is_told_by_file_and_line(age: str) -> None:
    with pytest.raises(DefinitionError, match=r"x\.md:4: max-age-h: "):
        parse(f"---\nname: a\ndescription: d\nmax-age-h: {age}\n---\n", "x.md")


def test_an_age_is_given_in_hours_and_without_one_nothing_is_kept() -> None:
    assert parse("---\nname: a\ndescription: d\nmax-age-h: 2\n---\n", "x.md").max_age_s == 7_200
    assert parse("---\nname: a\ndescription: d\n---\n", "x.md").max_age_s == 0
