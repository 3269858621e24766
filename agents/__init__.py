"""Agents: processes that take one task at a time, and the skills they do it with."""
