"""Re-rank the top of a ranking by a model or an embedding."""

from collections.abc import Sequence
from typing import Protocol

from sweagent.code.index.index import Index
from sweagent.code.localise.localise import DefinitionHit, FileHit, Localisation


class Reranker(Protocol):
    """Orders definitions by how likely each needs the change."""

    def order(self, question: str, hits: Sequence[DefinitionHit], sources: Sequence[str]) -> Sequence[int]:
        """Return positions in `hits`, best first; those that are left out keep their order behind the others.

        Args:
            question: the issue's text.
            hits: the top of the ranking.
            sources: the source of each.
        """


def refine(index: Index, localisation: Localisation, question: str, reranker: Reranker, top: int = 20) -> Localisation:
    """Let a re-ranker order the first definitions; their files follow that order.

    Args:
        index: the repository.
        localisation: the ranking to refine.
        question: the issue's text.
        reranker: gives the order; positions that do not exist or come twice are ignored.
        top: how many definitions it is asked about.
    """
    asked = localisation.definitions[:top]
    sources = ["\n".join(index.text(hit.path).split("\n")[hit.start - 1 : hit.end]) for hit in asked]
    chosen = [position for position in reranker.order(question, asked, sources) if 0 <= position < len(asked)]
    order = list(dict.fromkeys([*chosen, *range(len(asked))]))
    definitions = (*(asked[position] for position in order), *localisation.definitions[top:])
    by_path: dict[str, FileHit] = {hit.path: hit for hit in localisation.files}
    first = list(dict.fromkeys(asked[position].path for position in chosen if asked[position].path in by_path))
    files = (*(by_path[path] for path in first), *(hit for hit in localisation.files if hit.path not in first))
    return Localisation(files=files, definitions=definitions)
