"""Environments for any repository: discovered, built once, cached, locked."""

from sweagent.environment.build import ensure_image
from sweagent.environment.contacts import contacts_among
from sweagent.environment.discover import discover
from sweagent.environment.disk import disk_use, list_images, prune
from sweagent.environment.host_image import relay_image
from sweagent.environment.prebuilt import existing_image
from sweagent.environment.prebuilt_tree import PrebuiltTree
from sweagent.environment.recipe import Image, Recipe
from sweagent.environment.venv import Venv, ensure_venv
from sweagent.environment.venv_collection import collected_venv

__all__ = [
    "Image",
    "PrebuiltTree",
    "Recipe",
    "Venv",
    "collected_venv",
    "contacts_among",
    "discover",
    "disk_use",
    "ensure_image",
    "ensure_venv",
    "existing_image",
    "list_images",
    "prune",
    "relay_image",
]
