"""Which words of a task description speak for which pattern: one table for each kind of sign."""
