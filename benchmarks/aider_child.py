"""Draw Aider's map of a repository for each question read from standard input; started by `aider_maps.py`.

Runs under an interpreter that has `aider-chat`, and imports nothing of this project but its token counter, by its path:
    PYTHON benchmarks/aider_child.py sweagent/code/tokens.py
Each line of input is an object with root, files, text and budgets; each line of output one with maps and seconds.
"""

import importlib.util
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any


class Model:
    """The part of a model that a map asks for."""

    def __init__(self, counter: Path) -> None:
        spec = importlib.util.spec_from_file_location("tokens", counter)
        if spec is None or spec.loader is None:
            raise SystemExit(f"cannot load {counter}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.token_count = module.count_tokens


class Quiet:
    """The part of a terminal that a map writes to."""

    def read_text(self, path: str) -> str:
        """Return a file's text."""
        return Path(path).read_text(encoding="utf-8", errors="replace")

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def draw(question: dict[str, Any], model: Model) -> dict[str, Any]:
    """Draw the maps of one question, each for a budget of tokens, without files in the chat."""
    from aider.repomap import RepoMap  # type: ignore[import-not-found]

    words = set(re.split(r"\W+", question["text"]))
    mentioned = {path for path in question["files"] if path in question["text"] or path.rpartition("/")[2] in words}
    files = [os.path.join(question["root"], path) for path in question["files"]]
    started = time.process_time()
    maps = {}
    repo_map = RepoMap(root=question["root"], main_model=model, io=Quiet(), refresh="always")
    for budget in question["budgets"]:
        maps[str(budget)] = repo_map.get_ranked_tags_map([], files, budget, mentioned, words, True) or ""
    return {"maps": maps, "seconds": time.process_time() - started}


def main() -> None:
    """Answer questions until the input ends."""
    model = Model(Path(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(draw(json.loads(line), model)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
