"""Watching batteries: windows are observed, assessed and judged; what is alarming goes up to a person."""
