"""From a history to the bytes of a file. Needs the extra `plot`, as all does that this module imports."""

from observers.battery.drawing import png, svg
from observers.battery.grid import grid
from observers.battery.history import History
from observers.battery.page import render
from observers.battery.picture import picture


def rendered(history: History, begin_s: float, end_s: float, source: str, kind: str) -> bytes | None:
    """Return the picture of a device between two moments; None where nothing was measured then.

    kind: ".png", ".svg" or ".html". source: where the history is from, in words.
    """
    shown = grid(history, begin_s, end_s)
    drawn = picture(history, shown, source)
    if not drawn.panels:
        return None
    if kind == ".png":
        return png(drawn)
    return svg(drawn) if kind == ".svg" else render(drawn, history, shown, svg(drawn)).encode()
