"""What a stored number means: real numbers to integers and back."""
