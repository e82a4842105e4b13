"""fix-issue: an agent that resolves issues and proves its fixes."""

import logging

__version__ = "0.1.0"

# What no run's log takes (`sweagent.run_log`) is not printed either: people are told by notes and errors.
logging.getLogger(__name__).addHandler(logging.NullHandler())
