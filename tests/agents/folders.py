"""A folder as nobody would wish for: thirty and more files that people or their tools leave behind."""

import os
from pathlib import Path

BODY = "\nYou do it.\n"
SECRET = "sk-ant-" + "a1B2" * 8
CLAUDE = (
    "---\nname: reviewer-of-theirs\n"
    "description: Use this agent when code is ready. Examples: <example>Context: a user asks.\\nuser: 'review: it'\n"
    'user: "please"\n'
    "tools: Bash(git add:*, git commit:*), Read, mcp__github__get_issue\nmodel: sonnet\ncolor: red\n---\n" + BODY
)
BOMB = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 12))


def front(*lines: str, body: str = BODY) -> str:
    return "\n".join(["---", *lines, "---", body])


def named(name: str, *lines: str, body: str = BODY) -> str:
    return front(f"name: {name}", "description: Does it.", "tier: routine", *lines, body=body)


# The file, and what has to be said of it: the level, the line, and words.
AWKWARD: dict[str, tuple[str | bytes, str, int, str]] = {
    "unknown-key.md": (named("unknown-key", "colour: blue"), "warning", 5, "'colour' means nothing here; it is kept"),
    "misspelled-key.md": (named("misspelled-key", "skill: [x]"), "warning", 5, "did you mean `skills`?"),
    "unknown-model.md": (
        named("unknown-model", "model: gpt-9"),
        "warning",
        5,
        "known: opus, sonnet, haiku, inherit, none",
    ),
    "whole-model.md": (named("whole-model", "model: claude-opus-4-5"), "note", 5, "one model's whole name"),
    "no-tier.md": (front("name: no-tier", "description: d", "model: haiku"), "warning", 2, "taken as routine"),
    "odd-tier.md": (front("name: odd-tier", "description: d", "tier: huge"), "warning", 4, "'huge' is not one of"),
    "long.md": (front("name: long", f"description: {'x' * 1100}", "tier: routine"), "warning", 3, "1,100 characters"),
    "colon.md": (CLAUDE.replace("reviewer-of-theirs", "colon"), "warning", 3, "it was read key by key"),
    "broken.md": (front("name: [broken", "description: d"), "error", 2, "mend `name`"),
    "second-fault.md": (front("name: a", "description: b: c", "tools: [Read"), "error", 4, "mend `tools`"),
    "star.md": (named("star", "tools: *"), "warning", 5, "found the end; it was read key by key; put quotes around"),
    "comment.md": (
        front("name: comment", "description: Knows issue #1 and C#.", "tier: routine"),
        "warning",
        3,
        "YAML takes what stands behind # for a comment",
    ),
    "breaks.md": (named("breaks", "rationale: one\u2028two\x85three", "colour: red"), "warning", 6, "'colour' means"),
    "日本語.md": (front("description: d", "tier: routine"), "error", 2, "missing, and the file's own, '日本語',"),
    "impostor.md": (named("Human"), "error", 2, "Human is in every run already"),
    "brackets.md": (named("brackets", "tools: [Read"), "error", 5, "not YAML"),
    "tabs.md": (named("tabs", "skills:\n\t- a"), "error", 6, "not YAML"),
    "no-front-matter.md": ("# Notes\n\nNothing here.\n", "error", 1, "begins with '# Notes'"),
    "never-closed.md": ("---\nname: never-closed\ndescription: d\n", "error", 1, "never closed; add a line with ---"),
    "empty.md": (b"", "error", 1, "is empty"),
    "blank.md": (b"\n \n\t\n", "error", 1, "is empty"),
    "latin-1.md": (named("latin-1").encode() + "Prüfer".encode("latin-1"), "error", 8, "the byte 0xfc"),
    "utf-16.md": (named("utf-16").encode("utf-16"), "error", 1, "it is UTF-16; save it as UTF-8"),
    "huge.md": (named("huge", body="x" * 300_000), "error", 1, "larger than 262,144 bytes"),
    "too-long.md": (named("too-long", body="x" * 70_000), "error", 1, "a message takes 65,536"),
    "null.md": (named("null-byte", body="a\0b"), "error", 6, "U+0000"),
    "secret.md": (named("secret", body=f"\nthe key is {SECRET}\n"), "error", 7, "holds a secret"),
    "other-name.md": (named("somebody-else"), "warning", 2, "somebody-else is not the file's name"),
    "no-name.md": (front("description: d", "tier: routine"), "warning", 2, "the agent is called no-name"),
    "Frontend Developer.md": (named("Frontend Developer"), "warning", 2, "the agent is called frontend-developer"),
    "no-letters.md": (named("'***'"), "error", 2, "'***' is not a name"),
    "taken.md": (named("human"), "error", 2, "human is in every run already"),
    "no-body.md": (named("no-body", body=""), "warning", 2, "nothing stands below the front matter"),
    "no-description.md": (front("name: no-description", "tier: routine"), "warning", 2, "the role's first line"),
    "nothing-said.md": (front("name: nothing-said", body=""), "error", 2, "description: missing"),
    "no-skill.md": (
        named("no-skill", "skills: [fly-to-the-moon]"),
        "warning",
        5,
        "no deterministic skill fly-to-the-moon",
    ),
    "accepts.md": (
        named("accepts", "accepts: [verdit]"),
        "error",
        5,
        "'verdit' is not a type of message; did you mean verdict?",
    ),
    "deaf.md": (named("deaf", "accepts: [verdict]"), "warning", 5, "nobody may send a specialist verdict"),
    "age.md": (named("age", "max-age-h: 1e9"), "error", 5, "not a whole number of hours"),
    "date.md": (named("2026-01-01"), "warning", 2, "looks like a date; it was read as a text"),
    "tag.md": (
        named("tag", "skills: !!python/object/apply:os.system [touch pwned]"),
        "warning",
        5,
        "means nothing here",
    ),
    "map-name.md": (front("name: {a: b}", "description: d"), "error", 2, "a list or a map stands where a name"),
    "list-text.md": (
        front("name: list-text", "description: [one, two]", "tier: routine"),
        "warning",
        3,
        "read as 'one, two'",
    ),
    "map-tools.md": (named("map-tools", "tools: {read: true, write: false}"), "warning", 5, "those that are not false"),
    "odd-tools.md": (named("odd-tools", "tools: [Read, {name: Write}, [Edit]]"), "warning", 5, "it is left out"),
    "twice.md": (named("twice", "model: opus", "model: haiku"), "warning", 6, "'model' stands here twice"),
    "odd-key.md": (named("odd-key", "? [a, b]\n: c"), "warning", 5, "stands where a key belongs"),
    "list.md": (front("- a", "- b"), "error", 2, "not a list of `key: value` lines"),
    "circle.md": (named("circle", "hooks: &a [*a]"), "warning", 5, "more than 5,000 values or 20 levels; it was read"),
    "bomb.md": (named("bomb", "b0: &b0 [x]", *BOMB.splitlines()), "warning", 9, "more than 5,000 values"),
    "deep.md": (named("deep", f"tools: {'[' * 3000}"), "error", 5, "not YAML"),
    "escape.md": (named("escape", 'rationale: "\\UFFFFFFFF"'), "warning", 2, "not YAML"),
    "nested/deep/down.md": (named("up"), "warning", 2, "up is not the file's name"),
    "one/same.md": (named("same"), "", 0, ""),
    "two/same.md": (named("same"), "error", 2, "same is also defined in "),
    "README.md": ("# What is here\n", "note", 1, "a page about the folder"),
    "docs/readme.md": ("Read me.", "note", 1, "a page about the folder"),
    "windows.md": (b"\xef\xbb\xbf" + named("windows").replace("\n", "\r\n").encode(), "", 0, ""),
    "late.md": ("\n\n" + named("late"), "", 0, ""),
    "script.py": ("import this\n", "", 0, ""),
    "notes.txt": ("---\nname: [\n", "", 0, ""),
}
USABLE = {
    *(
        "unknown-key",
        "misspelled-key",
        "unknown-model",
        "whole-model",
        "no-tier",
        "odd-tier",
        "long",
        "colon",
        "no-name",
    ),
    *(
        "somebody-else",
        "frontend-developer",
        "no-body",
        "no-description",
        "no-skill",
        "deaf",
        "2026-01-01",
        "tag",
        "twice",
    ),
    *("star", "comment", "breaks"),
    *("list-text", "map-tools", "odd-tools", "odd-key", "circle", "bomb", "escape", "up", "windows", "late"),
}


def write_awkward(folder: Path) -> Path:
    """Write all of them, and what is no file at all: links in circles, a link to nowhere, a pipe, what is locked."""
    for name, (content, *_) in AWKWARD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "nested" / "up-again").symlink_to(folder, target_is_directory=True)
    (folder / "itself.md").symlink_to(folder / "itself.md")
    (folder / "nowhere.md").symlink_to(folder / "gone.md")
    (folder / "late-again.md").symlink_to(folder / "late.md")
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    return folder
