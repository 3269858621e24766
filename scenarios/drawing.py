"""A plan as a picture: a tree of text for terminals, and SVG for pages. Both from the same graph.

In the SVG time runs from left to right: what can begin together stands in one column, groups are frames around their
parts, the critical path is drawn thick. Everything that comes from the workflow is escaped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from coordinators.graph import DEFAULT_ROUNDS, Graph, critical_path
from protocol.bodies import Pattern, PlannedTask

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _PAD, _HEAD = 190, 46, 44, 14, 14, 26
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#1b1f24}.small{font-size:10px;fill:#57606a}"
    ".task{fill:#fff;stroke:#57606a}.group{fill:#0969da;fill-opacity:.06;stroke:#0969da;stroke-dasharray:4 3}"
    ".critical{stroke:#bc4c00;stroke-width:2.5}.way{fill:none;stroke:#8c959f;stroke-width:1.4}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.task{fill:#161b22}}"
)


def as_text(graph: Graph) -> list[str]:
    """Return the lines of a tree: each task with who does it, what it needs, and what it depends on."""
    return list(_tree(graph, graph.top, ""))


def _tree(graph: Graph, names: tuple[str, ...], indent: str) -> Iterator[str]:
    for number, name in enumerate(names, 1):
        is_last = number == len(names)
        yield f"{indent}{'└─' if is_last else '├─'} {_line(graph, name)}"
        yield from _tree(graph, graph.nodes[name].parts, indent + ("   " if is_last else "│  "))


def _line(graph: Graph, name: str) -> str:
    node = graph.nodes[name]
    task = node.planned
    doer = f"[{group_in_words(task)}]" if task.group else f"{task.agent} · {task.skill}"
    needs = f"  ← {', '.join(node.before)}" if node.before else ""
    when = f"  when {task.when}" if task.when else ""
    return f"{name}  {doer}{needs}{when}{''.join(f'  ({mark})' for mark in marks(task))}"


def group_in_words(task: PlannedTask) -> str:
    """Return what a group does with its parts."""
    group = task.group
    if group is None:
        return ""
    if group.pattern is Pattern.REPEAT:
        until = f" until {group.until}" if group.until else ""
        return f"repeat{until}, at most {group.rounds or DEFAULT_ROUNDS} rounds"
    if group.pattern is Pattern.EACH:
        size = f"{group.batch} files" if group.batch else "file"
        known = f" of {len(task.inputs)}" if task.inputs else ""
        return f"for each {size}{known}"
    return "group"


def marks(task: PlannedTask) -> list[str]:
    """Return in words what is special about how a task is treated."""
    policy = task.policy
    if policy is None:
        return []
    told = {
        "asks a person first": policy.approve,
        "not critical": policy.critical is False,
        f"{policy.priority.value} priority" if policy.priority else "": policy.priority,
        f"else {', '.join(policy.alternatives)}": policy.alternatives,
        f"fixed by {policy.fixed_by}": policy.fixed_by,
        f"within {policy.deadline_s} s": policy.deadline_s is not None,
    }
    return [words for words, is_so in told.items() if is_so]


@dataclass(frozen=True, slots=True)
class _Box:
    """Where something is drawn, in pixels from the upper left corner of what it stands in."""

    name: str
    x: int
    y: int
    width: int
    height: int


def as_svg(graph: Graph, title: str) -> str:
    """Return the plan as one SVG document that needs nothing from outside."""
    width, height, boxes = _laid_out(graph, graph.top)
    critical = set(critical_path(graph))
    drawn = "".join(_drawn(graph, boxes, critical, _PAD, _PAD + _HEAD))
    size = f'width="{width + 2 * _PAD}" height="{height + 2 * _PAD + _HEAD}"'
    view = f'viewBox="0 0 {width + 2 * _PAD} {height + 2 * _PAD + _HEAD}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8c959f"/></marker></defs>'
        f'<text x="{_PAD}" y="{_PAD + 12}" font-weight="600">{escape(title)}</text>{drawn}</svg>\n'
    )


def _laid_out(graph: Graph, names: tuple[str, ...]) -> tuple[int, int, list[_Box]]:
    """Return width and height of some tasks of one group, and where each stands: a column for each step in time."""
    columns: dict[str, int] = {}
    for name in graph.order:
        if name in set(names):
            columns[name] = 1 + max((columns[need] for need in graph.nodes[name].before), default=-1)
    x = height = 0
    boxes = []
    for column in range(1 + max(columns.values(), default=-1)):
        y, widest = 0, 0
        for name in [name for name in names if columns[name] == column]:
            wide, high = _size(graph, name)
            boxes.append(_Box(name, x, y, wide, high))
            y, widest = y + high + _GAP_Y, max(widest, wide)
        x, height = x + widest + _GAP_X, max(height, y - _GAP_Y)
    return x - _GAP_X, height, boxes


def _size(graph: Graph, name: str) -> tuple[int, int]:
    parts = graph.nodes[name].parts
    if not parts:
        return _WIDTH, _HEIGHT
    width, height, _ = _laid_out(graph, parts)
    return max(width + 2 * _PAD, _WIDTH), height + 2 * _PAD + _HEAD


def _drawn(graph: Graph, boxes: list[_Box], critical: set[str], x: int, y: int) -> Iterator[str]:
    at = {box.name: box for box in boxes}
    for box in boxes:
        for need in graph.nodes[box.name].before:
            yield _way(at[need], box, x, y, need in critical and box.name in critical)
    for box in boxes:
        task, kind = graph.nodes[box.name].planned, "critical" if box.name in critical else ""
        shape = "group" if task.group else "task"
        left, top = x + box.x, y + box.y
        frame = f'x="{left}" y="{top}" width="{box.width}" height="{box.height}" rx="6"'
        below = group_in_words(task) if task.group else f"{task.agent} · {task.skill}"
        told = "; ".join(filter(None, [f"when {task.when}" if task.when else "", *marks(task)]))
        yield f'<g><title>{escape(f"{task.title}: {below} {told}")}</title><rect class="{shape} {kind}" {frame}/>'
        yield f'<text x="{left + 10}" y="{top + 19}">{escape(_cut(box.name, 26))}</text>'
        yield f'<text class="small" x="{left + 10}" y="{top + 35}">{escape(_cut(below, box.width // 6))}</text></g>'
        if task.group:
            _, _, inner = _laid_out(graph, graph.nodes[box.name].parts)
            yield from _drawn(graph, inner, critical, left + _PAD, top + _PAD + _HEAD)


def _way(start: _Box, end: _Box, x: int, y: int, is_critical: bool) -> str:
    x1, y1 = x + start.x + start.width, y + start.y + min(start.height, _HEIGHT) // 2
    x2, y2 = x + end.x - 2, y + end.y + min(end.height, _HEIGHT) // 2
    bend = max((x2 - x1) // 2, 18)
    kind = "way critical" if is_critical else "way"
    return f'<path class="{kind}" marker-end="url(#tip)" d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"/>'


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
