"""Write a recipe's Dockerfile by the templates in `environments/`."""

import json
import shlex
from typing import Any

from sweagent.environment.bases.base_image import Base
from sweagent.environment.recipe import RUST, WORKDIR, Recipe
from sweagent.environment.registry.dated_registry import HOST, npm_registry, plain_registry, python_index
from sweagent.resources import resource


def render_dockerfile(recipe: Recipe, base: Base) -> str:
    """The Dockerfile of a recipe.

    Every value of the recipe is quoted for the shell, and the recipe's own types keep line ends out, so that no value
    can add an instruction. Commands are meant to be commands: they run in the build, which has no secrets and no
    network but the registry.

    Args:
        recipe: what to build.
        base: the image to start from; upon one of this machine's files nothing is installed, and only the user's own
            commands are run.
    """
    steps = recipe.finish if base.of_host else (*recipe.prepare, *recipe.install, *recipe.finish)
    return _rendered("Dockerfile.j2", recipe, base, [step.value for step in steps])


def context_files(recipe: Recipe, base: Base) -> dict[str, bytes]:
    """What the Dockerfile of a recipe copies from its context, besides the repository.

    Args:
        recipe: what to build.
        base: the image to start from.
    """
    files = {"requirements.txt": requirements_file(recipe)}
    for template in sorted(resource("environments", recipe.ecosystem).glob("context/*.j2")):
        text = _rendered(f"context/{template.name}", recipe, base, [])
        files[template.name.removesuffix(".j2")] = text.encode()
    return files


def requirements_file(recipe: Recipe) -> bytes:
    """The requirements of a recipe as a file, one a line."""
    return "".join(f"{line.value}\n" for line in recipe.requirements).encode()


def _rendered(template: str, recipe: Recipe, base: Base, commands: list[str]) -> str:
    import jinja2

    folder = "host" if base.of_host else recipe.ecosystem
    loader = jinja2.FileSystemLoader([resource("environments", folder), resource("environments")])
    # Shell and Dockerfile text, not HTML: each value is quoted for the shell above.
    templates = jinja2.Environment(  # noqa: S701
        loader=loader,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template(template).render(_values(recipe, base, commands))


def _values(recipe: Recipe, base: Base, commands: list[str]) -> dict[str, Any]:
    return {
        "base": base.name,
        "interpreter": base.interpreter,
        "version": recipe.toolchain.value,
        "host": HOST,
        "index": python_index(recipe.cutoff),
        "index_always": python_index(None),
        "npm_registry": npm_registry(recipe.cutoff),
        "go_proxy": plain_registry("go"),
        "crates": plain_registry("crates"),
        "maven": plain_registry("maven"),
        "gradle_plugins": plain_registry("gradle-plugins"),
        "pip": shlex.quote(recipe.installer),
        "system": shlex.join(package.value for package in recipe.system if package.value != RUST),
        "rust": any(package.value == RUST for package in recipe.system),
        "tools": shlex.join(line.value for line in recipe.tools),
        "requirements": bool(recipe.requirements),
        "locked": recipe.locked,
        "optional": [shlex.quote(line.value) for line in recipe.optional],
        "added": [shlex.quote(line.value) for line in recipe.added],
        "environment": [(name, _quoted(value)) for name, value in sorted(recipe.environment.items())],
        # The exec form: the engine neither expands nor splits it, so that the text reaches the shell as it is.
        "commands": [json.dumps(["/bin/sh", "-ec", command]) for command in commands],
        "workdir": WORKDIR,
    }


def _quoted(value: str) -> str:
    """A value for `ENV`, in which the engine would expand variables."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
