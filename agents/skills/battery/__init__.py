"""The work of those who design a battery monitor: requirements, design, bill, software, tests, verification."""
