import pytest

from sweagent.patch import Consent, FileKind, classify


@pytest.mark.parametrize(
    ("path", "change", "kind"),
    [
        ("src/requests/api.py", "modified", FileKind.SOURCE),
        ("api.py", "added", FileKind.SOURCE),
        ("django/test/client.py", "modified", FileKind.SOURCE),
        ("sympy/testing/runtests.py", "modified", FileKind.SOURCE),
        ("src/latest.py", "modified", FileKind.SOURCE),
        ("build/rules.py", "modified", FileKind.SOURCE),
        ("tests/test_api.py", "modified", FileKind.TEST),
        ("testing/test_main.py", "added", FileKind.TEST),
        ("pkg/tests/data/x.json", "added", FileKind.TEST),
        ("src/test/java/AppTest.java", "modified", FileKind.TEST),
        ("conftest.py", "added", FileKind.TEST),
        ("pkg/parser_test.go", "modified", FileKind.TEST),
        ("web/button.spec.tsx", "added", FileKind.TEST),
        ("repro.py", "added", FileKind.SCRATCH),
        ("reproduce_issue_42.py", "added", FileKind.SCRATCH),
        ("debug.sh", "added", FileKind.SCRATCH),
        ("fix.patch", "added", FileKind.SCRATCH),
        ("pkg/api.py.orig", "added", FileKind.SCRATCH),
        ("pkg/api.py.rej", "added", FileKind.SCRATCH),
        ("pkg/api.py~", "added", FileKind.SCRATCH),
        ("pkg/.api.py.swp", "added", FileKind.SCRATCH),
        ("pkg/__pycache__/api.cpython-311.pyc", "added", FileKind.CACHE),
        (".pytest_cache/v/cache/lastfailed", "added", FileKind.CACHE),
        (".coverage", "modified", FileKind.CACHE),
        ("nohup.out", "added", FileKind.CACHE),
        ("junit-report.xml", "added", FileKind.CACHE),
        ("build/lib/api.py", "added", FileKind.CACHE),
        ("pkg.egg-info/PKG-INFO", "added", FileKind.CACHE),
        ("pkg/_speedups.so", "added", FileKind.CACHE),
        (".github/workflows/ci.yml", "modified", FileKind.PROTECTED),
        (".gitlab-ci.yml", "added", FileKind.PROTECTED),
        ("docs/CODEOWNERS", "modified", FileKind.PROTECTED),
        ("poetry.lock", "modified", FileKind.PROTECTED),
        ("web/package-lock.json", "modified", FileKind.PROTECTED),
        ("AGENTS.md", "added", FileKind.PROTECTED),
        ("pkg/AGENTS.md", "modified", FileKind.PROTECTED),
        ("src/sitecustomize.py", "added", FileKind.PROTECTED),
        ("evil.pth", "added", FileKind.PROTECTED),
        ("docs/usage.rst", "modified", FileKind.DOCS),
        ("CHANGELOG.md", "modified", FileKind.DOCS),
    ],
)
def test_kind_follows_from_path_and_change(path: str, change: str, kind: FileKind) -> None:
    found = classify(path, change)

    assert found.kind is kind
    assert found.kept == (kind in (FileKind.SOURCE, FileKind.DOCS))
    assert bool(found.reason) == (not found.kept)


@pytest.mark.parametrize("path", ["api.py", "app.py", "tasks.py", "xml.py", "demography.py", "tryton.py", "issues.py"])
def test_new_modules_at_the_root_are_not_taken_for_scratch(path: str) -> None:
    assert classify(path, "added").kind is FileKind.SOURCE


@pytest.mark.parametrize("path", ["repro.py", "debug.py", "setup.py.orig"])
def test_scratch_names_that_the_repository_has_itself_are_source(path: str) -> None:
    assert classify(path, "modified").kept


@pytest.mark.parametrize(
    ("path", "binary", "consent"),
    [
        ("tests/test_api.py", False, Consent(tests=True)),
        (".github/workflows/ci.yml", False, Consent(protected=True)),
        ("logo.png", True, Consent(binaries=True)),
    ],
)
def test_consent_keeps_what_is_left_out_otherwise(path: str, binary: bool, consent: Consent) -> None:
    assert not classify(path, "modified", binary=binary).kept
    assert classify(path, "modified", binary=binary, consent=consent).kept


def test_reproduction_is_left_out_even_where_it_looks_like_source() -> None:
    found = classify("pkg/shows.py", "added", consent=Consent(frozenset({"pkg/shows.py"})))

    assert not found.kept
    assert "reproduction" in found.reason


def test_reproduction_that_is_a_test_is_kept_with_the_tests() -> None:
    consent = Consent(frozenset({"tests/test_bug.py"}), tests=True)

    assert classify("tests/test_bug.py", "added", consent=consent).kept
