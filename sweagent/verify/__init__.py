"""The proof: reproduce, select tests, run, parse, verdict."""
