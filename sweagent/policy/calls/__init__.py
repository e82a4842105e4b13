"""One call of a provider: its errors, waiting, trying again."""
