"""Running the instances of a batch, each exactly once."""
