"""The agent of one device: what it looks at, tells, is asked, and hands in."""
