"""Designing a battery monitor, from requirements to a sketch that somebody can build and sign for.

The packages stand in the order of the work: `requirements`, `design`, `sketch`, `test_plan`, `verification`. What they
make is a value of gates.design.files; `documents` and `drawings` show such values to people, one module for each file.
What several of them need to read a design stands here, and `skills` joins it all: a task comes in, files go out.
"""
