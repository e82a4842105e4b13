"""Show a recipe to people, each line with its source."""

from sweagent.environment.build.lockfile import Lock
from sweagent.environment.recipe import Line, Recipe, SystemPackage
from sweagent.plurals import counted


def as_text(recipe: Recipe, built: Lock | None = None, columns: int | None = None) -> str:
    """The recipe, one value a line, and its source beside or, where there is no room for it, below it.

    Args:
        recipe: from `discover`.
        built: the record of its last build: what that added, and what it lacks.
        columns: of the terminal; None for any number.
    """
    until = f"packages until {recipe.cutoff}" if recipe.cutoff else "newest packages"
    rows = [
        ("repository", f"{recipe.name} at {recipe.commit[:12]} of {recipe.committed}; {until}", ""),
        (recipe.ecosystem, recipe.toolchain.value or "any", recipe.toolchain.source),
    ]
    if recipe.toolchain.alternatives:
        rows.append(("else", ", ".join(recipe.toolchain.alternatives), "tried when a build fails"))
    if recipe.base or recipe.image:
        rows.append(("image" if recipe.image else "base", recipe.image or recipe.base or "", "named by the user"))
    rows += _rows("system", recipe.system)
    rows += _rows("tool", recipe.tools)
    rows += _rows("package", recipe.requirements)
    rows += _rows("optional", recipe.optional)
    rows += [("variable", f"{name}={value}", "") for name, value in sorted(recipe.environment.items())]
    rows += _rows("run", (*recipe.prepare, *recipe.install, *recipe.finish))
    rows.append(("test", recipe.test_command.value, recipe.test_command.source))
    rows += [("tests in", path, "") for path in recipe.test_paths]
    rows += [("note", note, "") for note in recipe.notes]
    if built is not None and built.recipe is not None:
        rows += _rows("added", built.recipe.added)
        if built.collected is not None:
            rows.append(("collected", counted(built.collected, "test"), "at the end of the build"))
        rows += [("lacks", str(lack), "") for lack in built.lacks]
    width = min(max(len(value) for _, value, _ in rows), 60, max(20, (columns or 200) - 50))
    return "\n".join(_line(*row, width, columns) for row in rows)


def _line(kind: str, value: str, source: str, width: int, columns: int | None) -> str:
    if not source:
        return f"{kind:10}  {value}".rstrip()
    beside = f"{kind:10}  {value:{width}}  # {source}"
    return beside if columns is None or len(beside) <= columns else f"{kind:10}  {value}\n{'':12}# {source}"


def _rows(kind: str, values: tuple[Line | SystemPackage, ...]) -> list[tuple[str, str, str]]:
    return [(kind, item.value, item.source) for item in values]
