"""fix-issue: an agent that resolves issues and proves its fixes."""

__version__ = "0.1.0"
