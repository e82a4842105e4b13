"""Reports, comparisons and their statistics."""
