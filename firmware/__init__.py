"""Sources of firmware that ships with the orchestra: one folder for each Arduino sketch, read as package data."""
