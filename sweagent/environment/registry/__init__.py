"""Package registries as of a day, served to builds."""
