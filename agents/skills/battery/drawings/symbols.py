"""What is used of schemdraw, with its SVG canvas only.

Wherever matplotlib is installed, schemdraw loads all of it, and every command would begin half a second later.
"""

import sys

# The entry None is how the import system is told that there is no such module; schemdraw goes on without it.
sys.modules.setdefault("schemdraw.backends.mpl", None)  # type: ignore[arg-type]

from schemdraw import Drawing, elements  # noqa: E402
from schemdraw.segments import Segment, SegmentCircle, SegmentPoly  # noqa: E402

__all__ = ["Drawing", "Segment", "SegmentCircle", "SegmentPoly", "elements"]
