"""Ranges and rules to a quantized model, with the numbers of TensorFlow's converter."""
