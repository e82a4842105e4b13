"""Index of a repository at a commit."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from sweagent.code.index.blobs import Entry, read_blobs
from sweagent.code.index.definitions import Definition, Outline, dotted
from sweagent.code.index.facts import Facts, extract
from sweagent.code.index.history import History, read_history
from sweagent.code.index.import_graph import ImportGraph
from sweagent.code.index.languages import is_source, is_test, language_of
from sweagent.code.index.module_paths import module_names
from sweagent.code.index.own_text import FileText, file_text
from sweagent.code.index.package_names import MANIFESTS, package_folders
from sweagent.code.index.words import parts
from sweagent.path_kinds import is_aside, is_vendored

_COUNT_BITS = 10
_COUNT_MAX = (1 << _COUNT_BITS) - 1
_FILES_KEPT = 400
_COUNTS_KEPT = 1_000_000
"""Of so many files, added up over the words, it is kept how often they say a word: 40 MB."""


@dataclass(frozen=True, slots=True)
class DefinitionSite:
    """A definition in a file."""

    path: str
    definition: Definition


class Index:
    """What is known of a repository's files at a commit. What it knows is not changed after it is made.

    It may be used as a context manager; the contents that were read are let go at the end.

    Args:
        entries: all files.
        facts: what is known of the source files, by path.
        git_dir: where contents are read from.
        overlay: contents of files that differ from the commit's, by path.
        commit: the commit; without one there is no history.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        facts: Mapping[str, Facts],
        git_dir: Path,
        overlay: Mapping[str, bytes] | None = None,
        commit: str = "",
    ) -> None:
        self.entries = {entry.path: entry for entry in entries}
        self.sources = tuple(path for path in self.entries if path in facts)
        self.git_dir = git_dir
        self.commit = commit
        self._facts = facts
        self._overlay = dict(overlay or {})
        self._contents: dict[str, bytes] = {}
        self._texts: dict[str, FileText] = {}
        self._term_counts: dict[str, defaultdict[int, int]] = {}
        self._counts_kept = 0
        self._name_counts: dict[str, Counter[int]] = {}

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self._contents.clear()
        self._texts.clear()

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, source or not."""
        return tuple(self.entries)

    def outline(self, path: str) -> Outline:
        """The definitions and imports of a source file; empty for one that is not known."""
        facts = self._facts.get(path) or Facts()
        return Outline(path, language_of(path), facts.definitions, facts.imports, facts.lines)

    def definitions_of(self, path: str) -> tuple[Definition, ...]:
        """The definitions of a source file, in the order of their lines."""
        facts = self._facts.get(path)
        return facts.definitions if facts else ()

    def file_texts(self, paths: Sequence[str]) -> list[FileText]:
        """What the definitions of some files say; kept, for the next question often asks for the same files."""
        if len(self._texts) > _FILES_KEPT:
            self._texts.clear()
        missing = [path for path in paths if path not in self._texts]
        contents = self.contents(missing)
        for path in missing:
            self._texts[path] = file_text(path, self._facts.get(path) or Facts(), contents.get(path, b""))
        return [self._texts[path] for path in paths]

    def importers(self, path: str) -> tuple[str, ...]:
        """The files that import a file, sorted."""
        return self.graph.importers(path)

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of files, read together; those that are no files of the commit are left out."""
        wanted = list(dict.fromkeys(paths))
        missing = [self.entries[p] for p in wanted if p in self.entries and p not in self._overlay]
        missing = [entry for entry in missing if entry.path not in self._contents]
        if missing:
            by_blob = dict(read_blobs(self.git_dir, missing))
            for entry in missing:
                if entry.blob in by_blob:
                    self._contents[entry.path] = by_blob[entry.blob]
        known = {**self._contents, **self._overlay}
        found = {path: known[path] for path in wanted if path in known}
        if len(self._contents) > _FILES_KEPT:
            self._contents.clear()
        return found

    def text(self, path: str) -> str:
        """The content of a file as text; empty when there is none."""
        return self.contents([path]).get(path, b"").decode("utf-8", "replace").replace("\r\n", "\n")

    def definitions(self) -> Iterator[DefinitionSite]:
        """All definitions, in the order of paths and lines."""
        for path in self.sources:
            for definition in self._facts[path].definitions:
                yield DefinitionSite(path, definition)

    def find(self, name: str) -> tuple[DefinitionSite, ...]:
        """The definitions of a name; `Class.method` is understood."""
        wanted = dotted(name)
        last = wanted.rpartition(".")[2]
        return tuple(
            place
            for place in self.by_name.get(last, ())
            if place.definition.qualified == wanted or place.definition.qualified.endswith(f".{wanted}")
        )

    @cached_property
    def by_name(self) -> Mapping[str, tuple[DefinitionSite, ...]]:
        """The definitions of each name."""
        found: defaultdict[str, list[DefinitionSite]] = defaultdict(list)
        for place in self.definitions():
            found[place.definition.name].append(place)
        return {name: tuple(places) for name, places in found.items()}

    @cached_property
    def subclasses(self) -> Mapping[str, tuple[DefinitionSite, ...]]:
        """The classes that name a class as their base, by the base's name."""
        found: defaultdict[str, list[DefinitionSite]] = defaultdict(list)
        for place in self.definitions():
            for base in place.definition.bases:
                found[base].append(place)
        return {name: tuple(places) for name, places in found.items()}

    @cached_property
    def graph(self) -> ImportGraph:
        """Who imports whom."""
        manifests = [path for path in self.entries if path.endswith(MANIFESTS) and not is_vendored(path)]
        packages = package_folders(self.contents(manifests))
        return ImportGraph({path: self._facts[path].imports for path in self.sources}, packages)

    @cached_property
    def history(self) -> History:
        """What was changed before the commit; never what came after it."""
        return read_history(self.git_dir, self.commit) if self.commit else History()

    @cached_property
    def number(self) -> Mapping[str, int]:
        """The place of each of `sources`."""
        return {path: number for number, path in enumerate(self.sources)}

    @cached_property
    def tests(self) -> frozenset[int]:
        """Those of `sources` that are tests, by their place."""
        return frozenset(number for number, path in enumerate(self.sources) if is_test(path))

    @cached_property
    def asides(self) -> frozenset[int]:
        """Those of `sources` that are beside the product, by their place."""
        return frozenset(number for number, path in enumerate(self.sources) if is_aside(path))

    @cached_property
    def _postings(self) -> dict[str, "array[int]"]:
        postings: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        for number, path in enumerate(self.sources):
            shifted = number << _COUNT_BITS
            for word, count in self._facts[path].word_counts():
                postings[word].append(shifted | (count if count < _COUNT_MAX else _COUNT_MAX))
        return dict(postings)

    @cached_property
    def _words_with(self) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        # The names of definitions are among the identifiers, but for the longest.
        for word in chain(self._postings, (name for name in self.by_name if name not in self._postings)):
            for part in parts(word):
                found[part].append(word)
        return dict(found)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """How many identifiers stand in each of `sources`."""
        return tuple(sum(self._facts[path].counts) for path in self.sources)

    @cached_property
    def by_file_name(self) -> Mapping[str, tuple[str, ...]]:
        """The source files of each file name."""
        return _grouped((path.rpartition("/")[2], path) for path in self.sources)

    @cached_property
    def by_stem(self) -> Mapping[str, tuple[str, ...]]:
        """The source files of each module name (see `module_paths.module_names`)."""
        return _grouped((names[-1], path) for path in self.sources if (names := module_names(path)))

    @cached_property
    def _paths_with(self) -> dict[str, dict[int, float]]:
        found: defaultdict[str, dict[int, float]] = defaultdict(dict)
        for number, path in enumerate(self.sources):
            for depth, name in enumerate(reversed(module_names(path))):
                for part in parts(name):
                    found[part].setdefault(number, 0.6**depth)
        return dict(found)

    def name_files(self, term: str) -> Mapping[int, int]:
        """How many definitions of each file have a stemmed word in their name, by the file's place in `sources`."""
        counts = self._name_counts.get(term)
        if counts is None:
            places = chain.from_iterable(self.by_name.get(word, ()) for word in self.words_with(term))
            counts = self._name_counts[term] = Counter(self.number[place.path] for place in places)
        return counts

    def path_files(self, term: str) -> Mapping[int, float]:
        """How near to the file's own name a stemmed word stands in each path: 1 in the name, less in its folders."""
        return self._paths_with.get(term, {})

    def word_files(self, word: str) -> dict[int, int]:
        """Count an identifier, as it is written, in each file; by the file's position in `sources`."""
        return {item >> _COUNT_BITS: item & _COUNT_MAX for item in self._postings.get(word, ())}

    def term_files(self, term: str) -> Mapping[int, int]:
        """Count a stemmed word (see `words.parts`) in each file; by the file's position in `sources`."""
        counts = self._term_counts.get(term)
        if counts is None:
            counts = defaultdict(int)
            words = self.words_with(term)
            for item in chain.from_iterable(self._postings[word] for word in words if word in self._postings):
                counts[item >> _COUNT_BITS] += item & _COUNT_MAX
            self._counts_kept += len(counts)
            if self._counts_kept > _COUNTS_KEPT:
                self._term_counts.clear()
                self._counts_kept = len(counts)
            self._term_counts[term] = counts
        return counts

    def words_with(self, term: str) -> Sequence[str]:
        """The identifiers that contain a stemmed word."""
        return self._words_with.get(term, ())

    def with_changes(self, changes: Mapping[str, bytes | None]) -> "Index":
        """The index of the same repository with some files changed, added, or (None) removed."""
        if not changes:
            return self
        entries = {path: entry for path, entry in self.entries.items() if path not in changes}
        facts = {path: item for path, item in self._facts.items() if path not in changes}
        overlay = {path: data for path, data in self._overlay.items() if path not in changes}
        for path, content in changes.items():
            if content is None:
                continue
            entries[path] = Entry(path, "", len(content))
            overlay[path] = content
            if is_source(path):
                facts[path] = extract(path, content)
        return Index(sorted(entries.values(), key=lambda entry: entry.path), facts, self.git_dir, overlay, self.commit)


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
