"""What a device was seen to say over time, what is claimed of it, and what holds the claims to the readings."""
