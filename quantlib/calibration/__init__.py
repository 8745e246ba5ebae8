"""Observations to ranges: which real numbers a model's tensors hold on typical inputs."""
