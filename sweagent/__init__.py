"""fix-issue: an agent that resolves issues in real repositories and proves its fixes."""

__version__ = "0.1.0"
