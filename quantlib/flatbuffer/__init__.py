"""How a model is spelled in bytes."""
