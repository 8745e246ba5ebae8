"""In which order: a model run step by step."""
