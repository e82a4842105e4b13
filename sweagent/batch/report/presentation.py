"""Reports on the terminal, as Markdown and as HTML."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweagent.batch.report.compare import Comparison
from sweagent.batch.report.report import RunReport, Share, Spread
from sweagent.batch.report.statistics import Interval

if TYPE_CHECKING:
    from rich.console import RenderableType

_TEMPLATES = Path(__file__).parent / "templates"
_CELL = str.maketrans({"|": "\\|", "\n": " ", "\r": " ", "<": "&lt;", ">": "&gt;", "`": "'", "[": "\\[", "]": "\\]"})


def markdown(runs: Sequence[RunReport], comparison: Comparison | None = None) -> str:
    """The report as Markdown."""
    return _rendered("report.md.j2", runs, comparison)


def html(runs: Sequence[RunReport], comparison: Comparison | None = None) -> str:
    """The report as an HTML page without scripts and without anything from elsewhere."""
    return _rendered("report.html.j2", runs, comparison)


def terminal(runs: Sequence[RunReport], comparison: Comparison | None = None) -> "RenderableType":
    """The report for `rich`."""
    from rich.console import Group

    parts = [part for run in runs for part in _run_on_terminal(run)]
    if comparison is not None:
        parts += _comparison_on_terminal(comparison)
    return Group(*parts)


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal."""
    return f"{value:.1%}"


def interval(bounds: Interval) -> str:
    """An interval of fractions as percentages."""
    return f"{bounds.low:.1%} to {bounds.high:.1%}"


def share(value: Share) -> str:
    """A share with its interval in words."""
    if not value.total:
        return "0 of 0: nothing is judged yet"
    return f"{value.resolved} of {value.total}: {percent(value.value)} (95%: {interval(value.interval)})"


def number(value: float | None) -> str:
    """A number with as many decimals as people need; nothing for None."""
    if value is None:
        return ""
    return f"{value:g}" if float(value).is_integer() else f"{value:.2f}"


def _run_on_terminal(run: RunReport) -> Iterator["RenderableType"]:
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    yield Text(f"{run.name}: resolved {share(run.share)}", style="bold")
    for line in left_out(run):
        yield Text(line, style="yellow")
    more = ("not verified",) if run.not_verified else ()
    table = Table("repository", "resolved", "of", "share", "95% interval", *more, box=None, pad_edge=False)
    for repo, value in run.by_repository.items():
        cells = (str(value.resolved), str(value.total), percent(value.value), interval(value.interval))
        table.add_row(escape(repo), *cells, *(str(run.not_verified.get(repo, 0)) for _ in more))
    yield table
    yield Text("outcomes: " + ", ".join(f"{name} {count}" for name, count in run.outcomes.items()))
    if run.exit_reasons:
        yield Text("exit reasons: " + ", ".join(f"{name} {count}" for name, count in run.exit_reasons.items()))
    if run.proofs:
        yield Text("own proofs: " + ", ".join(f"{name} {count}" for name, count in run.proofs.items()))
    if run.contacts:
        yield Text("hosts: " + "; ".join(f"{line} ({count})" for line, count in run.contacts.items()))
    for name, spread in _spreads(run):
        said = f"{number(spread.total)} in all, median {number(spread.median)}, most {number(spread.most)}"
        yield Text(f"{name}: {said}")
    if run.flagged:
        yield Text(f"flagged; without these, {share(run.share_unflagged)}:", style="yellow")
        yield from (Text(f"  {row.instance_id}: {'; '.join(row.findings)}") for row in run.flagged)


def _comparison_on_terminal(comparison: Comparison) -> Iterator["RenderableType"]:
    from rich.text import Text

    for pair in comparison.pairs:
        result = pair.result
        yield Text(
            f"{pair.first} against {pair.second}: both {result.both}, only first {result.only_first}, "
            f"only second {result.only_second}, neither {result.neither}; difference {points(result.difference)} "
            f"(95%: {interval(result.interval)}), McNemar's exact p = {result.p_value:.4f}",
            style="bold",
        )
        yield from (Text(f"  + {name}") for name in pair.only_first)
        yield from (Text(f"  - {name}") for name in pair.only_second)
    yield Text(", ".join(f"pass@{k} {percent(value)}" for k, value in comparison.pass_at.items()))


def left_out(run: RunReport) -> list[str]:
    """What does not count, and why, a line each."""
    lines = (
        (run.infrastructure, "left out, as the infrastructure or an unusable input kept them from a verdict"),
        (run.ungraded, "not graded yet (run `fix-issue evaluate`)"),
        (run.unverified_by_choice, "not verified, as the batch left verification out"),
    )
    return [f"{len(rows)} {line}" for rows, line in lines if rows]


def points(value: float) -> str:
    """A difference of fractions in percentage points."""
    return f"{value * 100:+.1f}"


def _mark(resolved: bool | None) -> str:
    return "no verdict" if resolved is None else "resolved" if resolved else "–"


def _spreads(run: RunReport) -> list[tuple[str, Spread]]:
    named = (
        *(("cost in US dollars", run.cost), ("steps", run.steps)),
        *(("characters of prompts", run.prompt_characters), ("seconds", run.seconds)),
    )
    return [(name, spread) for name, spread in named if spread is not None]


def _rendered(template: str, runs: Sequence[RunReport], comparison: Comparison | None) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "percent": percent,
        "interval": interval,
        "share": share,
        "number": number,
        "points": points,
        "left_out": left_out,
        "mark": _mark,
        "spreads": _spreads,
        "cell": lambda text: str(text).translate(_CELL),
    }
    environment.filters.update(filters)
    title = "Report of " + ", ".join(run.name for run in runs)
    return environment.get_template(template).render(runs=runs, comparison=comparison, title=title)
