"""Package registries as of a day, and the one way out of a build."""
