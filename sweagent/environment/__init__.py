"""The environment that a repository needs: discovered, built, cached."""
