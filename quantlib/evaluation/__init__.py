"""Was it worth it: what a smaller model costs, and what it saves."""
