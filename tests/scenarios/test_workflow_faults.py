"""Broken workflows: each fault is told with file and line, in plain words, with a way out, never as a traceback."""

from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from cli.main import main
from protocol.errors import DefinitionError
from scenarios.compile import plan_mission
from scenarios.source import read_workflow

HEAD = "workflow: w\nskills: s.py\nsteps:\n"  # steps begin on line 4
SKILLS = "def a(work): ...\ndef b(work): ...\n"
GROUP = HEAD + "  - {id: o, skill: a}\n  - id: g\n    pattern: %s\n    %s\n    steps:\n      - {id: x, skill: a}\n"


def step(*lines: str) -> str:
    return HEAD + "  - id: x\n" + "".join(f"    {line}\n" for line in lines)


def two(*lines: str) -> str:
    """A good step o on line 4, and x with these lines from line 6 on."""
    return HEAD + "  - {id: o, skill: a}\n  - id: x\n" + "".join(f"    {line}\n" for line in lines)


def top(line: str) -> str:
    return HEAD.replace("steps:", f"{line}\nsteps:") + "  - {id: x, skill: a}\n"


# What is in the file, on which line the fault is, and what has to be said.
FAULTS: dict[str, tuple[str | bytes, int, str]] = {
    "nothing": ("", 1, "says nothing; begin it with: workflow: NAME"),
    "a comment only": ("# nothing yet\n", 1, "says nothing"),
    "a list": ("- a\n- b\n", 1, "the key `workflow` is missing"),
    "a sentence": ("please do it\n", 1, "the key `workflow` is missing"),
    "no name": ("workflow:\nsteps: []\n", 1, "nothing stands here"),
    "a name with a space": (HEAD.replace("w\n", "my work\n", 1) + "  - {id: x, skill: a}\n", 1, "(no space, no #)"),
    "no steps": ("workflow: w\n", 1, "'steps' is missing"),
    "an empty list of steps": ("workflow: w\nsteps: []\n", 2, "at least one entry"),
    "steps as keys": ("workflow: w\nsteps:\n  a: {skill: a}\n", 2, "or one on each line behind a dash"),
    "a step as text": (HEAD + "  - a\n", 4, "'a' stands where keys with values belong"),
    "a step without id": (HEAD + "  - skill: a\n", 4, "'id' is missing"),
    "an id that is a number": (HEAD + "  - id: 7\n    skill: a\n", 4, "put quotes around it"),
    "an id with a space": (HEAD + "  - id: a b\n    skill: a\n", 4, "is no name"),
    "an id with #": (HEAD + "  - id: a#1\n    skill: a\n", 4, "no #"),
    "an empty id": (HEAD + "  - id: ''\n    skill: a\n", 4, "is no name"),
    "a long id": (HEAD + f"  - id: {'a' * 101}\n    skill: a\n", 4, "100 at most"),
    "two of one id": (HEAD + "  - {id: x, skill: a}\n  - {id: x, skill: a}\n", 5, "x is the id of another step too"),
    "two of one id, one in a group": (GROUP % ("parallel", "title: t") + "      - {id: o, skill: b}\n", 10, "another"),
    "nobody to do it": (step(), 4, "x has neither `agent` nor `skill`"),
    "a misspelled key": (step("skil: a"), 5, "there is no key 'skil'; did you mean skill?"),
    "a misspelled key at the top": (HEAD.replace("skills", "skils") + "  - {id: x}\n", 2, "did you mean skills?"),
    "a misspelled key within a key": (step("skill: a", "retry: {attemps: 2}"), 6, "x.retry: there is no key 'attemps'"),
    "a misspelled key deep down": (
        step("pattern: parallel", "steps:", "  - id: y", "    gate: v"),
        8,
        "x.y: there is no key 'gate'",
    ),
    "a misspelled pattern": (step("pattern: paralel", "steps: [{id: y, skill: a}]"), 5, "did you mean parallel?"),
    "a misspelled skill": (step("skill: aa"), 5, "there is no skill 'aa'; did you mean a?"),
    "a misspelled agent": (step("agent: skil-runner", "skill: a"), 5, "did you mean skill-runner?"),
    "an agent with @": (step("agent: @skill-runner", "skill: a"), 5, "leave the @ out"),
    "an agent that can nothing here": (step("agent: code-reviewer"), 5, "none that can be run here"),
    "a skill of somebody else": (
        step("agent: fact-writer", "skill: a"),
        6,
        "has no skill 'a' here; known: write-facts",
    ),
    "a misspelled alternative": (step("skill: a", "otherwise: [skil-runner]"), 6, "did you mean skill-runner?"),
    "an alternative that cannot do it": (step("skill: a", "otherwise: fact-writer"), 6, "who can: skill-runner"),
    "an alternative that is nobody else": (step("skill: a", "otherwise: skill-runner"), 6, "name somebody else"),
    "a coordinator that is none": (top("coordinator: nobody"), 3, "there is no coordinator 'nobody'"),
    "a step that is not there": (two("skill: a", "needs: [o, oo]"), 7, "there is no step oo; did you mean o?"),
    "itself": (step("skill: a", "needs: x"), 6, "which is the step itself"),
    "a circle": (HEAD + "  - {id: x, skill: a, needs: y}\n  - {id: y, skill: a, needs: x}\n", 4, "circle: x → y → x"),
    "the inside of a group": (GROUP % ("parallel", "title: t") + "  - {id: y, skill: a, needs: x}\n", 10, "name g"),
    "needs as a number": (two("skill: a", "needs: 3"), 7, "3 is no list"),
    "who mends it is not there": (two("skill: a", "fixed_by: oo"), 7, "did you mean o?"),
    "who mends it is not needed": (two("skill: a", "needs: []", "fixed_by: o"), 5, "is not a task that it needs"),
    "half a condition": (two("skill: a", "when: o.v =="), 7, "expected a name, a number or a text in quotes"),
    "a condition with one =": (step("skill: a", "gates: v = 3"), 6, "equal is written =="),
    "a condition on no step": (two("skill: a", "when: v > 3"), 7, "write STEP.v"),
    "a condition on an unknown step": (two("skill: a", "when: oo.v > 3"), 7, "did you mean o?"),
    "a condition that is a truth": (two("skill: a", "when: true"), 7, "put quotes around it"),
    "a condition of 3,000 letters": (step("skill: a", f"gates: {'v' * 3000}"), 6, "2,000 are read"),
    "a gate on another step": (two("skill: a", "gates: o.v > 3"), 7, "write v, or use `when`"),
    "a criterion of a step outside": (GROUP % ("iterative", "until: o.v > 3"), 7, "not one of the group's own steps"),
    "a criterion of no step": (GROUP % ("iterative", "until: v > 3"), 7, "write STEP.v"),
    "a measure that is none": (GROUP % ("iterative", "best: smallest x.v"), 7, "write `lowest STEP.VALUE`"),
    "a measure of no step": (
        GROUP % ("iterative", "best: lowest y.v"),
        7,
        "not one of the group's own steps; known: x",
    ),
    "no rounds": (GROUP % ("iterative", "rounds: 0"), 7, "0 is too small; the least is 1"),
    "many rounds": (GROUP % ("iterative", "rounds: 100000"), 7, "the most is 1000"),
    "the group around it": (
        GROUP % ("parallel", "title: t") + "      - {id: y, skill: a, when: g.v}\n",
        10,
        "ask a step",
    ),
    "a group without steps": (step("pattern: parallel"), 4, "x is parallel, so it needs `steps`"),
    "a group with a skill": (GROUP % ("parallel", "skill: a"), 5, "g is parallel, so it takes no `skill`"),
    "a group with a deadline": (GROUP % ("parallel", "deadline: 3s"), 5, "takes no `deadline`"),
    "items one after the other": (GROUP % ("sequential", "items: s.py"), 5, "takes no `items`"),
    "steps without a pattern": (step("steps: [{id: y, skill: a}]"), 4, "x has no pattern, so it takes no `steps`"),
    "if without then": (two("pattern: conditional", "if: o.v > 1"), 5, "x is conditional, so it needs `then`"),
    "then without if": (two("pattern: conditional", "then: [{id: y, skill: a}]"), 5, "so it needs `if`"),
    "if with steps": (two("pattern: conditional", "if: o.v", "steps: [{id: y, skill: a}]"), 5, "takes no `steps`"),
    "if on an unknown step": (
        two("pattern: conditional", "if: oo.v", "then: [{id: y, skill: a}]"),
        7,
        "did you mean o?",
    ),
    "a fault three levels down": (
        two(
            "pattern: parallel", "steps:", "  - id: h", "    pattern: conditional", "    if: o.v", "    then: [{id: k}]"
        ),
        11,
        "k has neither `agent` nor `skill`",
    ),
    "inputs that are not there": (step("skill: a", "inputs: none/*.md"), 6, "names no file; looked in /"),
    "items that match nothing": (GROUP % ("pipeline", "items: none/*.md"), 7, "names no file; looked in /"),
    "an empty pattern of files": (step("skill: a", "inputs: ''"), 6, "write such as docs/*.md"),
    "a star without quotes": (step("skill: a", "inputs: *.md"), 6, "put quotes around a text that begins with *"),
    "$files without --files": (step("skill: a", "inputs: $files"), 6, "add --files PATH"),
    "outputs elsewhere": (step("skill: a", "outputs: /etc/passwd"), 6, "in the step's own folder"),
    "outputs above": (step("skill: a", "outputs: [../x]"), 6, "in the step's own folder"),
    "an unknown parameter": (
        HEAD.replace("steps:", "parameters: {limit: 3}\nsteps:") + "  - {id: x, skill: a, with: {n: $limt}}\n",
        5,
        "there is no parameter 'limt'; did you mean limit?",
    ),
    "a lone dollar": (step("skill: a", "title: costs $ 3"), 6, "$$ stands for a dollar sign"),
    "parameters as a list": (top("parameters: [a]"), 3, "keys with values"),
    "a time in words": (step("skill: a", "timeout: soon"), 6, "write such as 90s, 2m or 1h30m"),
    "a time with a comma": (step("skill: a", "timeout: 1.5"), 6, "is no duration"),
    "a time below nothing": (step("skill: a", "timeout: -3"), 6, "from 0 s to ten years"),
    "a time without end": (step("skill: a", f"timeout: {'9' * 20}"), 6, "from 0 s to ten years"),
    "a number of 5,000 digits": (step("skill: a", f"timeout: {'9' * 5000}"), 6, "is no int"),
    "approval in words": (step("skill: a", "approve: sure"), 6, "x.approve: 'sure' is no duration"),
    "a priority that is none": (step("skill: a", "priority: urgent"), 6, "is not one of critical, high, normal, low"),
    "neither true nor false": (step("skill: a", "critical: perhaps"), 6, "is neither true nor false"),
    "a budget as a number": (step("skill: a", "budget: 100"), 6, "such as {KEY: VALUE}"),
    "settings as a list": (step("skill: a", "with: [1]"), 6, "keys with values"),
    "settings in settings": (step("skill: a", "with: {a: {b: c}}"), 6, "neither text, number, true nor false"),
    "a setting with a space": (step("skill: a", "with: {'a b': c}"), 6, "no name of a setting"),
    "a kept result of a file that is not there": (step("skill: a", "cache: {depends: {files: no.txt}}"), 6, "no.txt"),
    "nobody at work": (top("workers: 0"), 3, "0 is too small; the least is 1"),
    "agents nowhere": (top("agents: nowhere"), 3, "name one with agent definitions"),
    "skills nowhere": (HEAD.replace("s.py", "t.py") + "  - {id: x, skill: a}\n", 2, "cannot be read: No such file"),
    "a folder of skills": (HEAD.replace("s.py", ".") + "  - {id: x, skill: a}\n", 2, "cannot be read: Is a directory"),
    "tabs": ("workflow: w\nsteps:\n\t- id: x\n", 3, "indent with spaces, not with tabs"),
    "a key twice": (step("skill: a", "skill: b"), 6, "'skill' stands here twice; take one out"),
    "merged keys": ("workflow: w\nsteps:\n  - &a {id: x}\n  - <<: *a\n", 4, "write the keys out"),
    "a list as a key": ("workflow: w\n? [a, b]\n: c\n", 2, "a key is one word"),
    "keys in two columns": (HEAD + "  - {id: x, skill: a}\n    gate: v\n", 5, "begin in one column"),
    "an open bracket": ("workflow: w\nsteps: [\n", 3, "a bracket or quote is open; close it"),
    "an open quote": ("workflow: 'w\nsteps: []\n", 3, "a quote is open; close it"),
    "a colon in a text": (step("title: a: b"), 5, "put quotes around a text with a colon"),
    "two documents": ("workflow: w\n---\nworkflow: v\n", 2, "one file holds one document"),
    "an object of Python": ("workflow: w\nsteps: !!python/object/apply:os.system ['true']\n", 2, "stands where"),
    "aliases that multiply": (
        "workflow: w\na: &a [1,2,3,4,5,6,7,8,9]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcde", "bcdef", strict=True)),
        2,
        "more than 200,000 values",
    ),
    "an alias of itself": ("workflow: w\nsteps: &s [*s]\n", 2, "60 levels"),
    "200 levels": ("workflow: w\nsteps: " + "[" * 200 + "]" * 200, 2, "60 levels"),
    "5,000 levels": ("workflow: w\nsteps: " + "[" * 5000 + "]" * 5000, 1, "nested deeper than 60 levels"),
    "4 MB": ("workflow: w\n#" + "x" * (4 * 1024 * 1024), 1, "the limit is 4,194,304; split it"),
    "5,000 steps": (HEAD + "".join(f"  - {{id: s{n}, skill: a}}\n" for n in range(5000)), 3, "at most 4,096"),
    "any bytes": (bytes(range(256)), 2, "not UTF-8 text (byte 129); save it as UTF-8"),
    "Latin-1": ("workflow: w\ntitle: Prüfung\n".encode("latin-1"), 2, "save it as UTF-8"),
    "UTF-16": ("workflow: w\n".encode("utf-16"), 1, "save it as UTF-8"),
    "a control character": (b"workflow: w\ntitle: a\x01b\n", 2, "take that character out"),
    "a control character, escaped": (step("skill: a", r'title: "a\u0001b"'), 6, "which no message can carry"),
    "half a pair": (step("skill: a", r'title: "\ud800"'), 6, "which no message can carry"),
    "lines of Windows": (step("skil: a").replace("\n", "\r\n"), 5, "did you mean skill?"),
    "a mark of byte order": (b"\xef\xbb\xbf" + step("skil: a").encode(), 5, "did you mean skill?"),
    "JSON without a comma": ('{"workflow": "w",\n "steps": [{"id": "x" "skill": "a"}]}', 2, "expected ',' or '}'"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "s.py").write_text(SKILLS)
    return tmp_path


def complaint(path: Path) -> str:
    with pytest.raises(DefinitionError) as caught:
        plan_mission(read_workflow(path), path.parent / "out", ArtifactStore(path.parent / "store"))
    return str(caught.value)


@pytest.mark.parametrize(("content", "line", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_line_and_a_way_out(folder: Path, content: str | bytes, line: int, words: str) -> None:
    path = folder / "w.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = complaint(path)
    assert any(one.startswith(f"{path}:{line}: ") and words in one for one in told.splitlines()), told
    assert all(len(one) < 600 for one in told.splitlines())


SKILL_FAULTS = {
    "not Python": (b"def a(work):\n  return (\n", 2, "not Python"),
    "no skill": (b"limit = 3\n", 1, "has no skill; write such as"),
    "breaks": (b"limit = 3\n1/0\n", 2, "ZeroDivisionError"),
    "leaves": (b"import sys\n\nsys.exit(3)\n", 3, "SystemExit"),
    "a null": (b"def a(work): ...\n\0", 1, "not Python"),
    "Latin-1": ("def a(work):\n    return 'ü'\n".encode("latin-1"), 2, "not Python"),
}


@pytest.mark.parametrize(("content", "line", "words"), SKILL_FAULTS.values(), ids=SKILL_FAULTS)
def test_a_fault_in_a_file_of_skills_is_told_with_its_line(folder: Path, content: bytes, line: int, words: str) -> None:
    (folder / "s.py").write_bytes(content)
    (folder / "w.yaml").write_text(step("skill: a"))
    told = complaint(folder / "w.yaml")
    assert told.startswith(f"{folder / 's.py'}:{line}: ")
    assert words in told


def test_all_faults_of_one_kind_are_told_at_once(folder: Path) -> None:
    (folder / "w.yaml").write_text(two("skil: a", "need: o", "critical: perhaps"))
    assert len(complaint(folder / "w.yaml").splitlines()) == 3
    (folder / "w.yaml").write_text(two("skill: a", "needs: [oo, p]", "when: q.v"))
    assert len(complaint(folder / "w.yaml").splitlines()) == 3


@pytest.mark.parametrize("kind", ["folder", "nowhere", "circle", "missing"])
def test_what_is_no_file_is_called_what_it_is(folder: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "w.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.symlink_to(path if kind == "circle" else folder / "gone.yaml")
    with pytest.raises(SystemExit) as left:
        main(["workflow", "check", str(path)])
    assert left.value.code == 2
    told = {"folder": "is a folder", "missing": "is neither a workflow's file nor a scenario"}
    assert told.get(kind, "is a link that leads nowhere") in " ".join(capsys.readouterr().err.split())


def test_the_command_says_so_in_one_sentence_and_leaves_with_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "w.yaml").write_text(step("skil: a"))
    with pytest.raises(SystemExit) as left:
        main(["workflow", "check", str(folder / "w.yaml")])
    assert left.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("error: ")
    assert "Traceback" not in said


def test_good_files_in_all_spellings_are_accepted(folder: Path) -> None:
    for content in (
        b"\xef\xbb\xbf" + step("skill: a").encode(),
        step("skill: a", "timeout: 1h 30m", "approve: 2h", "cache: off").replace("\n", "\r\n").encode(),
        b'{"workflow": "w", "skills": "s.py",\n\t"steps": [{"id": "x", "skill": "a"}]}',
        step("skill: a", "with: {on: yes, n: 1.50, text: '03'}", "gates: v > 3").encode(),
    ):
        (folder / "w.yaml").write_bytes(content)
        mission = plan_mission(read_workflow(folder / "w.yaml"), folder / "out", ArtifactStore(folder / "store"))
        assert [task.id for task in mission.plan.tasks] == ["x"]
