"""Agents as people define them: one Markdown file each, read leniently, checked by line, gathered from folders."""
