"""The two drawings of a design: architecture.svg and wiring.svg."""

from agents.skills.battery.block_diagram import architecture
from agents.skills.battery.schematic import wiring

__all__ = ["architecture", "wiring"]
