"""The colours of a picture, on white paper; `page.css` gives the same names other ones in the dark."""

from typing import Final

COLOURS: Final = {
    "paper": "#ffffff",
    "ink": "#1b2128",
    "soft": "#59636e",
    "rule": "#d8dee5",
    "thin": "#8b97a5",
    "highest": "#c2410c",
    "lowest": "#1d5fb4",
    "first": "#0b6b73",
    "third": "#6b3fa0",
    "fifth": "#8a5601",
    "sixth": "#3d7a1f",
    "suspect": "#d48806",
    "stale": "#b6bfc9",
    "absent": "#7d8894",
    "untold": "#e6e9ed",
    "critical": "#b3261e",
    "warning": "#e08600",
    "info": "#3b82c4",
    "device": "#7a4fb0",
}
