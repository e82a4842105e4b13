"""Environments for any repository: discovered, built once, cached, locked."""

from sweagent.environment.bases.host_image import relay_image
from sweagent.environment.build.image_build import ensure_image
from sweagent.environment.build.image_gc import disk_use, list_images, prune
from sweagent.environment.build.prebuilt_image import existing_image
from sweagent.environment.build.prebuilt_tree import PrebuiltTree
from sweagent.environment.build.venv import Venv, ensure_venv
from sweagent.environment.build.venv_collection import collected_venv
from sweagent.environment.contacted_hosts import Contacts, contacts_among
from sweagent.environment.discover.ecosystems import discover
from sweagent.environment.recipe import Image, Recipe

__all__ = [
    "Contacts",
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
