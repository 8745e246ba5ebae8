"""What an int32 does: integers, rounding, tables."""
