"""Somebody else's answer, and where ours parts from it."""
