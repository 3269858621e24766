"""Pages of HTML from templates: one place through which all text goes.

Marks of HTML are escaped, and what would act on a screen or turn the direction of writing is spelled out.
"""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from observers.summary import printable


def environment(*folders: Path) -> Environment:
    """Return where the templates of these folders are filled in; of two of one name that of the first folder counts."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """Return what a template says in a place: numbers short, texts without anything that acts."""
    if hasattr(value, "__html__"):  # said by a macro of the template, which has come through here, or a drawing
        return value
    if isinstance(value, float):
        return f"{value:.1f}"
    return printable(value) if isinstance(value, str) else value
