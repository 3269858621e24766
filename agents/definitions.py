"""Agent definitions: Markdown with YAML front matter, as people keep them under `.claude/agents/`.

`name`, `description`, `tools` and `model` mean what they mean there; `tier`, `rationale`, `team`, `skills`
and `max-age-h` are ours. The text below the front matter is the agent's role.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from protocol.errors import DefinitionError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FENCE: Final = "---"
_LONGEST_AGE_H: Final = 87_600  # ten years
KEYS: Final = (
    "name",
    "description",
    "tools",
    "model",
    "tier",
    "rationale",
    "team",
    "skills",
    "accepts",
    "leads",
    "max-age-h",
)


class Tier(Enum):
    """How much judgement an agent's work takes; it decides the size of model, where one is used."""

    STRATEGIC = "strategic"
    IMPLEMENTATION = "implementation"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True)
class Definition:
    """One agent as it is defined. model: an alias such as opus, or "none" for deterministic skills only.

    max_age_s: how long a result of this agent may be used again for the same task; 0: not at all.
    unknown: keys of the front matter that mean nothing here; they are kept, not lost. text: the whole file.
    """

    name: str
    description: str
    role: str
    tools: tuple[str, ...] = ()
    model: str = "none"
    tier: Tier = Tier.IMPLEMENTATION
    rationale: str = ""
    team: str = ""
    skills: tuple[str, ...] = ()
    path: str = ""
    max_age_s: int = 0
    unknown: tuple[str, ...] = ()
    text: str = field(default="", repr=False)


def load(path: Path) -> Definition:
    """Return the definition in a file.

    Raises:
        DefinitionError: names file, line and what to do.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    return parse(text, str(path))


def parse(text: str, path: str) -> Definition:
    """Return the definition in a text; `path` is for errors only.

    Raises:
        DefinitionError: as for `load`.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != _FENCE:
        raise DefinitionError(f"{path}:1: begins with {lines[0][:40]!r}; put front matter between two --- lines")
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        raise DefinitionError(f"{path}:1: the front matter is never closed; add a line with ---")
    keys = _front_matter("\n".join(lines[1:end]), path)
    return _definition(keys, "\n".join(lines[end + 1 :]).strip(), path, lines)


def _front_matter(text: str, path: str) -> dict[str, Any]:
    try:
        keys = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        raise DefinitionError(f"{path}:{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(keys, dict):
        raise DefinitionError(f"{path}:2: the front matter is not a list of `key: value` lines")
    return {str(key): value for key, value in keys.items()}


def _definition(keys: dict[str, Any], role: str, path: str, lines: list[str]) -> Definition:
    def fail(key: str, reason: str) -> DefinitionError:
        line = next((n for n, text in enumerate(lines, 1) if text.startswith(f"{key}:")), 2)
        return DefinitionError(f"{path}:{line}: {key}: {reason}")

    name = str(keys.get("name") or "")
    if not _NAME.fullmatch(name):
        raise fail("name", f"{name!r} is not a name; use letters, digits, dash, dot or underscore, such as fact-writer")
    if not keys.get("description"):
        raise fail("description", "missing; say in one sentence what the agent is for")
    tier = str(keys.get("tier") or Tier.IMPLEMENTATION.value)
    if tier not in Tier._value2member_map_:
        raise fail("tier", f"{tier!r} is not one of {', '.join(t.value for t in Tier)}")
    max_age_h = keys.get("max-age-h", 0)
    if type(max_age_h) is not int or not 0 <= max_age_h <= _LONGEST_AGE_H:
        raise fail("max-age-h", f"{max_age_h!r} is not a whole number of hours from 0 to {_LONGEST_AGE_H}")
    return Definition(
        name=name,
        description=str(keys["description"]),
        role=role,
        tools=_names(keys.get("tools")),
        model=str(keys.get("model") or "none"),
        tier=Tier(tier),
        rationale=str(keys.get("rationale") or ""),
        team=str(keys.get("team") or ""),
        skills=_names(keys.get("skills")),
        path=path,
        max_age_s=max_age_h * 3600,
        unknown=tuple(key for key in keys if key not in KEYS),
        text="\n".join(lines),
    )


def _names(value: Any) -> tuple[str, ...]:
    """Return a list of names given as a YAML list or as one string with commas."""
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(name for item in listed if (name := str(item).strip()))


def load_folder(folder: Path) -> dict[str, Definition]:
    """Return the definitions in a folder and below, by name, in the order of their files.

    Raises:
        DefinitionError: a file is wrong, or two files define one name.
    """
    found: dict[str, Definition] = {}
    for path in sorted(folder.rglob("*.md")):
        definition = load(path)
        if definition.name in found:
            other = found[definition.name].path
            raise DefinitionError(f"{path}:2: name: {definition.name} is also defined in {other}; rename one")
        found[definition.name] = definition
    return found


def catalogue() -> dict[str, Definition]:
    """Return the definitions that come with the orchestra, by name."""
    return load_folder(Path(str(files("agents") / "catalogue")))
