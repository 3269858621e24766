"""What tests need of the machine. Missing, a test is skipped with the reason; under CI=true it fails."""

import os
import shutil
from importlib.util import find_spec

import pytest


def need_command(command: str, package: str) -> None:
    """Need a command that a Debian package brings."""
    if shutil.which(command) is None:
        missing(f"{command} is not here; it comes with the Debian package {package}")


def need_module(module: str, extra: str) -> None:
    """Need a library that an extra of ours brings."""
    if find_spec(module) is None:
        missing(f"{module} is not here; it comes with the extra agent-orchestra[{extra}]")


def missing(reason: str) -> None:
    """End a test that cannot be done on this machine."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
