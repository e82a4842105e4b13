"""`python -m sweagent`: the same as `fix-issue`."""

import os
import sys

# `-m` looks for modules in the current folder first, which may be anybody's work tree.
if sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

from sweagent.cli import main

if __name__ == "__main__":
    main()
