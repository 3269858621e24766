"""What the monitor has to do: configuration, practice and documents become limits that cite their words."""
