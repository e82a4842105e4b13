"""Environments for any repository: discovered, built once, cached, locked."""

from sweagent.environment.build import ensure_image
from sweagent.environment.discover import discover
from sweagent.environment.disk import disk_use, list_images, prune
from sweagent.environment.recipe import Image, Recipe

__all__ = ["Image", "Recipe", "discover", "disk_use", "ensure_image", "list_images", "prune"]
