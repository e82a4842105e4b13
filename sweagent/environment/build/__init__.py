"""From a recipe to an image or a virtual environment."""
