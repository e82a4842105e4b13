"""Open an index: read facts from the store, compute the rest."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sweagent.code.index.blobs import Entry, read_blobs, tree_entries
from sweagent.code.index.fact_store import FactStore
from sweagent.code.index.facts import Facts, decode, encode, extract
from sweagent.code.index.gc_pause import without_collection
from sweagent.code.index.index import Index
from sweagent.code.index.languages import is_source, language_of
from sweagent.code.index.outline import LARGEST
from sweagent.repository import default_cache_dir

_SAVE_EVERY = 500


@without_collection()
def open_index(git_dir: Path | str, commit: str, cache_dir: Path | str | None = None) -> Index:
    """Index a commit of a repository; what is known of its blobs from before is not read again.

    Args:
        git_dir: a git directory; no work tree is needed, and it is only read.
        commit: a commit or tree.
        cache_dir: where facts are kept; None takes the user's cache folder.

    Raises:
        GitError: there is no such repository or commit.
    """
    git_dir = Path(git_dir).absolute()
    entries = tree_entries(git_dir, commit)
    wanted = [entry for entry in entries if is_source(entry.path)]
    with FactStore(Path(cache_dir) if cache_dir else default_cache_dir()) as store:
        known = _known(store, wanted)
        missing = {_key(entry): entry for entry in wanted if _key(entry) not in known}
        known.update(_extracted(store, git_dir, missing))
    facts = {entry.path: known[_key(entry)] for entry in wanted if _key(entry) in known}
    return Index(entries, facts, git_dir, commit=commit)


def _key(entry: Entry) -> str:
    return f"{entry.blob}.{language_of(entry.path)}"


def _known(store: FactStore, wanted: Sequence[Entry]) -> dict[str, Facts]:
    known: dict[str, Facts] = {}
    for key, record in store.load(dict.fromkeys(_key(entry) for entry in wanted)):
        try:
            known[key] = decode(record)
        except (ValueError, TypeError, IndexError):
            continue
    return known


def _extracted(store: FactStore, git_dir: Path, missing: Mapping[str, Entry]) -> Iterator[tuple[str, Facts]]:
    huge = {key for key, entry in missing.items() if entry.size > LARGEST}
    yield from ((key, Facts()) for key in huge)
    # A blob may stand in the tree under names of several languages.
    by_blob: defaultdict[str, list[tuple[str, Entry]]] = defaultdict(list)
    for key, entry in missing.items():
        if key not in huge:
            by_blob[entry.blob].append((key, entry))
    pending: list[tuple[str, bytes]] = []
    for blob, content in read_blobs(git_dir, (items[0][1] for items in by_blob.values())):
        for key, entry in by_blob[blob]:
            facts = extract(entry.path, content)
            pending.append((key, encode(facts)))
            yield key, facts
        if len(pending) >= _SAVE_EVERY:
            store.save(pending)
            pending = []
    store.save(pending)
