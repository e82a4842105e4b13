"""From a repository's files to the recipe of its environment."""
