"""What the bus, the codec, the journal and the start of agents cost, each next to a named baseline."""
