"""Issues in, pull requests out: GitHub, plain git, plain files."""
