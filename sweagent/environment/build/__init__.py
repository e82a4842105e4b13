"""Build an image or a virtual environment from a recipe."""
