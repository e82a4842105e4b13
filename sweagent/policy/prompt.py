"""Read a person's lines: with history and completion, or from a pipe."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from sweagent.errors import FixIssueError
from sweagent.home import state_folder

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

_OFFERED = 50
_HISTORY = "human_history"


class PromptEndedError(FixIssueError):
    """Nothing more will be typed."""


class Prompt(Protocol):
    """Asks for lines."""

    def ask(self, text: str) -> str:
        """The next line, without its end.

        Raises:
            PromptEndedError: there is none.
        """


class LinePrompt:
    """Lines of a stream.

    Args:
        source: where they come from.
        out: where the question goes.
    """

    def __init__(self, source: TextIO, out: TextIO) -> None:
        self._in, self._out = source, out

    def ask(self, text: str) -> str:
        """See `Prompt`."""
        self._out.write(text)
        self._out.flush()
        line = self._in.readline()
        if not line:
            raise PromptEndedError("the input ended")
        return line.rstrip("\n")


def terminal_prompt(commands: Sequence[str], paths: Callable[[], Iterable[str]]) -> Prompt:
    """A prompt with history, search in it, and completion.

    A first Ctrl-C empties the line, a second one right after it ends the input, as Ctrl-D does.

    Args:
        commands: the words that a line can begin with after `/`.
        paths: of the repository.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    folder = state_folder()
    history: History
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        history = FileHistory(str(folder / _HISTORY))
        list(history.load_history_strings())
    except OSError:
        history = InMemoryHistory()
    session: PromptSession[str] = PromptSession(
        history=history,
        auto_suggest=AutoSuggestFromHistory(),
        completer=make_completer(commands, paths),
        complete_while_typing=False,
    )
    return _TerminalPrompt(session.prompt)


class _TerminalPrompt:
    def __init__(self, prompt: Callable[[str], str]) -> None:
        self._prompt = prompt

    def ask(self, text: str) -> str:
        interrupted = False
        while True:
            try:
                return self._prompt(text)
            except KeyboardInterrupt:
                if interrupted:
                    raise PromptEndedError("you ended the run") from None
                interrupted = True
                print("Ctrl-C again, Ctrl-D or /quit ends the run; the patch so far is kept")  # noqa: T201
            except EOFError as error:
                raise PromptEndedError("the input ended") from error


def make_completer(commands: Sequence[str], paths: Callable[[], Iterable[str]]) -> "Completer":
    """Completes commands at a line's start and paths of the repository anywhere else."""
    from prompt_toolkit.completion import Completer, Completion

    class Words(Completer):
        def get_completions(self, document: "Document", event: "CompleteEvent") -> "Iterator[Completion]":
            line = document.text_before_cursor
            word = line.rpartition(" ")[2]
            known = commands if line.startswith("/") and " " not in line else next_parts(word, paths())
            for text in list(known)[: len(commands) + _OFFERED]:
                if text.startswith(word):
                    yield Completion(text, start_position=-len(word))

    return Words()


def next_parts(word: str, paths: Iterable[str]) -> list[str]:
    """The paths that begin with a word, each up to its next slash."""
    parts: dict[str, None] = {}
    for path in paths:
        if path.startswith(word):
            head, slash, _ = path[len(word) :].partition("/")
            parts[f"{word}{head}{slash}"] = None
            if len(parts) > _OFFERED:
                break
    return list(parts)
