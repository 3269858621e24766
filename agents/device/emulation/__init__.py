"""Batteries that are not there: a model of a pack, for emulated devices and for tests."""
