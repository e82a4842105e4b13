"""A repository's files, definitions, words and imports."""
