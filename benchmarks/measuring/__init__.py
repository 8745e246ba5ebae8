"""What `compiled.py` is made of: questions for child processes, turns, tables and goals."""
