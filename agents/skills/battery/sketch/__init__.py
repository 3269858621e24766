"""The sketch as text: the headers that are made for a pack, and what its source says."""
