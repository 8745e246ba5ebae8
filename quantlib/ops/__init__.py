"""What each operator computes, one file each."""
