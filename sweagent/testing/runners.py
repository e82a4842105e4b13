"""Recognise test runners and build their command lines."""

import re
import shlex
from collections.abc import Callable, Sequence

from sweagent.errors import UsageError
from sweagent.testing.naming import dotted
from sweagent.testing.report import Runner

_SIGNS: tuple[tuple[str, Runner], ...] = (
    (r"(?:^|[\s/'\"(=]|-m)py\.?test(?:-?3(?:\.\d+)?)?(?=$|[\s'\");&|])", Runner.PYTEST),
    (r"\bruntests\.py\b|\bmanage\.py\s+test\b|\bdjango-admin\s+test\b", Runner.DJANGO),
    (r"\bbin/test\b", Runner.SYMPY),
    (r"-m\s+unittest\b|\bunit2\b", Runner.UNITTEST),
    (r"\bgo\s+test\b", Runner.GO),
    (r"\bcargo\s+(\S+\s+)*?test\b", Runner.CARGO),
    (r"\bvitest\b", Runner.VITEST),
    (r"\bjest\b", Runner.JEST),
    (r"\bmocha\b", Runner.MOCHA),
    (r"\bnode\s+(\S+\s+)*?--test\b", Runner.NODE),
    (r"\bmvnw?\b", Runner.MAVEN),
    (r"\bgradlew?\b", Runner.GRADLE),
)

XUNIT1 = "--override-ini=junit_family=xunit1"
"""The family of JUnit reports that names each test's file. In one word: before 4, `-o` takes all words that follow."""

_DEFAULTS = {
    Runner.PYTEST: "python -m pytest",
    Runner.UNITTEST: "python -m unittest",
    Runner.DJANGO: "python tests/runtests.py",
    Runner.SYMPY: "python bin/test",
    Runner.GO: "go test",
    Runner.CARGO: "cargo test",
    Runner.JEST: "npx jest",
    Runner.VITEST: "npx vitest run",
    Runner.MOCHA: "npx mocha",
    Runner.NODE: "node --test",
    Runner.MAVEN: "mvn -B test",
    Runner.GRADLE: "./gradlew test",
}


def runner_of(test_command: str) -> Runner:
    """Tell the runner from a project's test command; `UNKNOWN` for a wrapper such as `make test` or `npm test`."""
    return next((runner for sign, runner in _SIGNS if re.search(sign, test_command)), Runner.UNKNOWN)


def command_for(runner: Runner, tests: Sequence[str] = (), *, test_command: str = "", report: str = "") -> str:
    """The shell command, from the repository's root, that runs chosen tests and writes a report file.

    Args:
        runner: the runner.
        tests: files, folders, packages or ids of tests, as `TestResult.id` gives them; none runs all.
        test_command: how the project runs its tests; empty takes the runner's usual command.
        report: where in the sandbox the machine-readable report goes; empty for none. Runners without such a report
            leave no file there.

    Raises:
        UsageError: a test's name looks like an option, or nothing is known of how tests are run here.
    """
    for name in tests:
        if name.startswith("-") or not name.strip() or "\0" in name:
            raise UsageError(f"{name!r} is not the name of a test", "give a file, a test's id, a package or a class")
    base = test_command.strip() or _DEFAULTS.get(runner, "")
    if not base:
        raise UsageError("how this project runs its tests is not known", "give its test command")
    if re.search(r"\b(npm|pnpm)\s+(run\s+\S+|test|t)\b", base) and " -- " not in f"{base} ":
        base += " --"
    return _BUILDERS.get(runner, _plain)(base, list(tests), report)


def reporting(runner: Runner, report: str) -> str:
    """The options by which jest and vitest write a report with the files of their tests; empty for any other runner."""
    return _REPORTING.get(runner, "").format(report=report)


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _quoted(names: Sequence[str]) -> str:
    return " ".join(shlex.quote(name) for name in names)


def _plain(base: str, tests: list[str], report: str) -> str:
    return _join(base, _quoted(tests))


def _pytest(base: str, tests: list[str], report: str) -> str:
    # `-rA` names every test where only the text is to be had.
    options = f"--junitxml={shlex.quote(report)} {XUNIT1}" if report else "-rA"
    return _join(base, "--color=no", options, _quoted(tests))


def _unittest(base: str, tests: list[str], report: str) -> str:
    if tests:
        base = re.sub(r"\s+discover\b.*", "", base)
    return _join(
        base, "" if re.search(r"\s(-v|--verbose)\b", base) else "-v", _quoted([dotted(test) for test in tests])
    )


def _django(base: str, tests: list[str], report: str) -> str:
    options = "" if re.search(r"\s(-v|--verbosity)\b", base) else "--verbosity 2"
    root = "tests" if "runtests.py" in base else ""
    return _join(base, options, "--noinput", _quoted([dotted(test, root=root) for test in tests]))


def _sympy(base: str, tests: list[str], report: str) -> str:
    split = [(*test.split("::", 1), "")[:2] for test in tests]
    names = list(dict.fromkeys(name for _, name in split if name))
    keywords = f"-k {_quoted(names)}" if all(name for _, name in split) and names else ""
    return _join(base, "--verbose", _quoted(list(dict.fromkeys(path for path, _ in split if path))), keywords)


def _go(base: str, tests: list[str], report: str) -> str:
    packages, names = [], []
    for test in tests:
        package, separator, name = test.rpartition("::")
        if not separator:
            package, name = (test, "") if "/" in test or test == "." else ("", test)
        packages.append(package or "./...")
        names.append(name.split("/")[0])
    chosen = sorted({re.escape(name) for name in names if name})
    pattern = f"-run {shlex.quote('^(' + '|'.join(chosen) + ')$')}" if chosen and all(names) else ""
    listed = [] if not tests and re.search(r"\s\./|\s\S+/\.\.\.", base) else list(dict.fromkeys(packages)) or ["./..."]
    inserted = re.sub(r"\bgo\s+test\b", "go test -json", base, count=1) if "-json" not in base else base
    if tests:
        inserted = re.sub(r"\s+\./\S*", "", inserted)
    return _kept(_join(inserted, pattern, _quoted(listed)), report)


def _cargo(base: str, tests: list[str], report: str) -> str:
    options = "" if "--no-fail-fast" in base else "--no-fail-fast"
    return _join(base, options, f"-- {_quoted(tests)}" if tests else "")


def _javascript(flags: str, plain_flags: str, name_option: str) -> Callable[[str, list[str], str], str]:
    def build(base: str, tests: list[str], report: str) -> str:
        paths, names = _paths_and_names(tests)
        options = flags.format(report=shlex.quote(report)) if report else plain_flags
        pattern = f"{name_option}{shlex.quote('|'.join(re.escape(name) for name in names))}" if names else ""
        return _join(base, options, pattern, _quoted(paths))

    return build


def _paths_and_names(tests: list[str]) -> tuple[list[str], list[str]]:
    split = [test.split("::", 1) for test in tests]
    names = [parts[1] for parts in split if len(parts) == 2]
    paths = list(dict.fromkeys(parts[0] for parts in split if parts[0]))
    return paths, list(dict.fromkeys(names)) if len(names) == len(split) else []


def _maven(base: str, tests: list[str], report: str) -> str:
    chosen = f"-Dtest={shlex.quote(','.join(tests))} -Dsurefire.failIfNoSpecifiedTests=false" if tests else ""
    return _gathered(_join(base, chosen), "*/target/surefire-reports/TEST-*.xml", report)


def _gradle(base: str, tests: list[str], report: str) -> str:
    chosen = " ".join(f"--tests {shlex.quote(test.replace('#', '.'))}" for test in tests)
    return _gathered(_join(base, chosen), "*/build/test-results/*/TEST-*.xml", report)


def _gathered(command: str, pattern: str, report: str) -> str:
    """Run the command between removing the old report files and joining the new ones into one."""
    if not report:
        return command
    found = f"find . -path {shlex.quote(pattern)}"
    return f"{found} -delete; {command}; status=$?; {found} -exec cat {{}} + > {shlex.quote(report)}; (exit $status)"


def _kept(command: str, report: str) -> str:
    """Send standard output, which is the report, to the file; errors of the build stay visible."""
    return f"{command} > {shlex.quote(report)}" if report else command


_REPORTING = {
    Runner.JEST: "--json --outputFile={report}",
    Runner.VITEST: "--reporter=json --outputFile={report}",
}
_BUILDERS: dict[Runner, Callable[[str, list[str], str], str]] = {
    Runner.PYTEST: _pytest,
    Runner.UNITTEST: _unittest,
    Runner.DJANGO: _django,
    Runner.SYMPY: _sympy,
    Runner.GO: _go,
    Runner.CARGO: _cargo,
    Runner.JEST: _javascript(_REPORTING[Runner.JEST], "--json", "-t "),
    Runner.VITEST: _javascript(_REPORTING[Runner.VITEST], "--reporter=json", "-t "),
    Runner.MOCHA: _javascript("--reporter json --reporter-option output={report}", "--reporter json", "--grep "),
    Runner.NODE: _javascript(
        "--test-reporter=tap --test-reporter-destination={report}", "--test-reporter=tap", "--test-name-pattern="
    ),
    Runner.MAVEN: _maven,
    Runner.GRADLE: _gradle,
}
