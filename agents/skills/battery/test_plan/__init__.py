"""The plan of tests: what is set on a bench, what has to happen then, and which requirement that is for."""
