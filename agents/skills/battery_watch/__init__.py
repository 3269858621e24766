"""What somebody who knows batteries makes of what was read of one: a window, and a whole watch."""
