"""What the specialists of the scenarios know how to do, as plain functions from bytes to values."""
