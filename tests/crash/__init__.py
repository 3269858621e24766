"""The kill matrix: a process dies at each named place, and what it promised is looked at afterwards."""
