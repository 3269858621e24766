"""The architecture is a test: who may import whom, what the protocol may not touch, where imports stand."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import ROOT

MAY_IMPORT = {
    "protocol": {"protocol"},
    "bus": {"protocol", "bus"},
    "gates": {"protocol", "bus", "gates"},
    "agents": {"protocol", "bus", "gates", "agents"},
    "coordinators": {"protocol", "bus", "gates", "agents", "coordinators"},
    "observers": {"protocol", "bus", "observers"},
    # The launcher of a scenario starts the recorder beside the agents.
    "scenarios": {"protocol", "bus", "gates", "agents", "coordinators", "observers", "scenarios"},
    "cli": {"protocol", "bus", "gates", "agents", "coordinators", "observers", "scenarios", "cli"},
}
IO_MODULES = {
    "asyncio", "builtins", "concurrent", "fcntl", "glob", "http", "io", "logging", "mmap", "multiprocessing", "os",
    "pathlib",    "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl",
    "subprocess", "structlog",    "sys", "tempfile", "threading", "time", "urllib", "zmq",
}  # fmt: skip
# Inside agents/device likewise: each row may import itself and those above.
DEVICE_ROWS = (
    {"status", "quantities", "link", "decoder"},
    {"protocols"},
    {"emulation"},
    {"links"},
    {"judging"},
    {"alarms"},
    {"polling", "turns", "recording", "device_address", "line", "bluetooth", "scanning"},
    {"watching"},
)


def sources(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "" if node.level == 0 else ""


def packages_of(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(ast.parse(path.read_text()))}


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_itself_and_the_layers_below(layer: str) -> None:
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[layer]
    # A __main__.py is a command line of its own, whatever folder it lies in.
    found = {str(path): packages_of(path) & forbidden for path in sources(layer) if path.name != "__main__.py"}
    assert {path: names for path, names in found.items() if names} == {}


def row_of_device(module: str) -> int:
    part = module.split(".")[2]
    return next((row for row, names in enumerate(DEVICE_ROWS) if part in names), len(DEVICE_ROWS))


def test_a_part_of_the_device_bridge_imports_only_its_row_and_those_above() -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("agents/device")
        if path.parent.name != "device" or path.name != "__init__.py"
        for name in imported(ast.parse(path.read_text()))
        if name.startswith("agents.device.")
        and row_of_device(name) > row_of_device(".".join(path.relative_to(ROOT).with_suffix("").parts))
    ]
    assert found == []


def test_the_protocol_does_no_io() -> None:
    found = {str(path): packages_of(path) & IO_MODULES for path in sources("protocol")}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_protocol_opens_nothing_but_its_own_data_and_does_not_wait() -> None:
    for path in sources("protocol"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), path
            assert not (isinstance(node, ast.Name) and node.id in ("open", "print", "input")), path


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_stand_at_the_top_of_the_file(layer: str) -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in sources(layer)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for layer in MAY_IMPORT
        for path in sources(layer)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
