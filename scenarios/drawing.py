"""A plan as a picture: a tree of text for terminals, and SVG for pages. Both from the same graph.

In the SVG time runs from left to right: what can begin together stands in one column, groups are frames around their
parts, the critical path is drawn thick. What a task waits for from further left comes in a lane below the columns
between, so that no line seems to come from a box that it only passes. All that comes from the workflow is escaped.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Final, TypeAlias

from coordinators.graph import DEFAULT_ROUNDS, Graph, critical_path
from protocol.bodies import Pattern, PlannedTask

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _PAD, _HEAD = 232, 46, 44, 14, 14, 30
_NOTE, _LANE = 14, 10  # the height of a third line, and of a lane
_LETTER, _SMALL = 8, 6  # the width of a letter of a name, and of a small one, in a wide font
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#1b1f24}.small{font-size:10px;fill:#57606a}"
    ".task{fill:#fff;stroke:#57606a}.group{fill:#0969da;fill-opacity:.06;stroke:#0969da;stroke-dasharray:4 3}"
    ".way{fill:none;stroke:#8c959f;stroke-width:1.4}.critical{stroke:#bc4c00;stroke-width:2.5}"
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


# The names of the tasks on the critical path, and the pairs that follow one another on it.
Critical: TypeAlias = Set[str | tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Box:
    """Where something is drawn, in pixels from the upper left corner of what it stands in.

    column: which one, from 0. edge: where its column ends on the right. lane: how far down its lane is, if it has one.
    """

    name: str
    x: int
    y: int
    width: int
    height: int
    column: int
    edge: int
    lane: int = 0


def as_svg(graph: Graph, title: str) -> str:
    """Return the plan as one SVG document that needs nothing from outside."""
    inner, height, boxes = _laid_out(graph, graph.top)
    width = max(inner, _LETTER * len(title))
    path = critical_path(graph)
    critical: Critical = {*path, *pairwise(path)}
    drawn = "".join(_drawn(graph, boxes, critical, _PAD, _PAD + _HEAD))
    size = f'width="{width + 2 * _PAD}" height="{height + 2 * _PAD + _HEAD}"'
    view = f'viewBox="0 0 {width + 2 * _PAD} {height + 2 * _PAD + _HEAD}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
        'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8c959f"/></marker>'
        f'</defs><text x="{_PAD}" y="{_PAD + 12}" font-weight="600">{escape(title)}</text>{drawn}</svg>\n'
    )


def _laid_out(graph: Graph, names: tuple[str, ...]) -> tuple[int, int, list[_Box]]:
    """Return width and height of some tasks of one group, and where each stands: a column for each step in time."""
    columns = _columns(graph, names)
    x = height = 0
    boxes = []
    for column in range(1 + max(columns.values(), default=-1)):
        sized = [(name, *_size(graph, name)) for name in names if columns[name] == column]
        y, edge = 0, x + max(wide for _, wide, _ in sized)
        for name, wide, high in sized:
            boxes.append(_Box(name, x, y, wide, high, column, edge))
            y += high + _GAP_Y
        x, height = edge + _GAP_X, max(height, y - _GAP_Y)
    return _with_lanes(graph, x - _GAP_X, height, boxes)


def _columns(graph: Graph, names: tuple[str, ...]) -> dict[str, int]:
    columns: dict[str, int] = {}
    wanted = set(names)
    for name in graph.order:
        if name in wanted:
            columns[name] = 1 + max((columns[need] for need in graph.nodes[name].before), default=-1)
    return columns


def _with_lanes(graph: Graph, width: int, height: int, boxes: list[_Box]) -> tuple[int, int, list[_Box]]:
    """Give a lane below everything to each box that a later column than the next one waits for."""
    at = {box.name: box for box in boxes}
    far = [b.name for b in boxes if any(at[after].column > b.column + 1 for after in graph.nodes[b.name].after)]
    lanes = {name: height + _LANE * number for number, name in enumerate(far, 1)}
    return width, height + _LANE * len(far), [replace(box, lane=lanes.get(box.name, 0)) for box in boxes]


def _size(graph: Graph, name: str) -> tuple[int, int]:
    node = graph.nodes[name]
    more = _NOTE if _note(node.planned) else 0
    if not node.parts:
        return _WIDTH, _HEIGHT + more
    width, height, _ = _laid_out(graph, node.parts)
    return max(width + 2 * _PAD, _WIDTH), height + 2 * _PAD + _HEAD + more


def _note(task: PlannedTask) -> str:
    return "; ".join([*([f"when {task.when}"] if task.when else []), *marks(task)])


def _drawn(graph: Graph, boxes: list[_Box], critical: Critical, x: int, y: int) -> Iterator[str]:
    at = {box.name: box for box in boxes}
    for box in boxes:
        for need in graph.nodes[box.name].before:
            yield _way(at[need], box, x, y, (need, box.name) in critical)
    for box in boxes:
        node, left, top = graph.nodes[box.name], x + box.x, y + box.y
        yield _labelled(node.planned, box, left, top, box.name in critical)
        if node.parts:
            head = _HEAD + (_NOTE if _note(node.planned) else 0)
            _, _, inner = _laid_out(graph, node.parts)
            yield from _drawn(graph, inner, critical, left + _PAD, top + _PAD + head)


def _labelled(task: PlannedTask, box: _Box, left: int, top: int, is_critical: bool) -> str:
    kind = f"{'group' if task.group else 'task'}{' critical' if is_critical else ''}"
    below, note = group_in_words(task) if task.group else f"{task.agent} · {task.skill}", _note(task)
    most = (box.width - 20) // _SMALL
    lines = [f'<text x="{left + 10}" y="{top + 19}">{escape(_cut(task.id, (box.width - 20) // _LETTER))}</text>']
    for number, text in enumerate(filter(None, (below, note))):
        lines.append(
            f'<text class="small" x="{left + 10}" y="{top + 35 + _NOTE * number}">{escape(_cut(text, most))}</text>'
        )
    frame = f'x="{left}" y="{top}" width="{box.width}" height="{box.height}" rx="6"'
    told = escape("; ".join(filter(None, (f"{task.title}: {below}", note))))
    return f'<g><title>{told}</title><rect class="{kind}" {frame}/>{"".join(lines)}</g>'


def _way(start: _Box, end: _Box, x: int, y: int, is_critical: bool) -> str:
    """Return the line from one box to another: to the edge of its column, then in the gap, or down into its lane."""
    y1, y2 = y + start.y + min(start.height, _HEIGHT) // 2, y + end.y + min(end.height, _HEIGHT) // 2
    x1, edge, x2, half = x + start.x + start.width, x + start.edge, x + end.x - 2, _GAP_X // 2
    line = f"M{x1} {y1}H{edge}"
    if end.column > start.column + 1:
        lane, near = y + start.lane, x2 - _GAP_X + 2
        line += f"C{edge + half} {y1} {edge + half} {lane} {edge + _GAP_X} {lane}H{near}"
        line += f"C{near + half} {lane} {x2 - half} {y2} {x2} {y2}"
    else:
        line += f"C{edge + half} {y1} {x2 - half} {y2} {x2} {y2}"
    return f'<path class="way{" critical" if is_critical else ""}" marker-end="url(#tip)" d="{line}"/>'


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
