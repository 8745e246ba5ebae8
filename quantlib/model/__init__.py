"""What a network is: immutable values, checked once."""
