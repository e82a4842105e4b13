"""Official grading and the integrity column."""
