"""Commands run on one side, and what they came to."""
