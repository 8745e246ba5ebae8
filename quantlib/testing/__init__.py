"""A kit for other people's tests."""
