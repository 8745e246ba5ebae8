"""Every bit of a quantized TFLite model, from NumPy alone."""
