"""What can be said of a patch without running it."""
