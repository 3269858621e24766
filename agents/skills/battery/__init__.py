"""The specialists' work on a battery monitor: from facts to requirements, design, bill, software, tests, verification."""
