"""`python -m sweagent`: the same as `fix-issue`."""

from sweagent.cli import main

main()
