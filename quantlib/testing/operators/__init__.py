"""Random single-operator models, one file per operator."""
