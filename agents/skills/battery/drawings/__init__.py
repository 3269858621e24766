"""What people look at: architecture.svg and wiring.svg, by `block_diagram` and `schematic`."""
