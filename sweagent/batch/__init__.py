"""Many tasks: data sets, scheduling, outcomes, evaluation, report."""
