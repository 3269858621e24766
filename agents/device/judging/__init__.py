"""How far what a device says can be relied on: doubt by physics and by what was said before, never by what is safe."""
