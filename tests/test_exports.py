"""What a package exports is exactly what it lists."""

import ast
import importlib

import pytest

from tests.cases import ROOT


def imported_names(package: str) -> set[str]:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    return {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


@pytest.mark.parametrize("package", ["protocol", "bus"])
def test_a_package_lists_exactly_what_it_exports(package: str) -> None:
    module = importlib.import_module(package)
    listed = list(getattr(module, "__all__", []))
    assert len(listed) == len(set(listed))
    assert set(listed) == imported_names(package)
    assert all(hasattr(module, name) for name in listed)


@pytest.mark.parametrize("package", ["protocol", "bus"])
def test_an_init_runs_no_code(package: str) -> None:
    body = ast.parse((ROOT / package / "__init__.py").read_text()).body
    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.Expr) for node in body)
