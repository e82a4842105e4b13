"""How many whole real commits the static rules hold for review: python -m benchmarks.held_commits MIRRORS [COMMITS]

MIRRORS holds a git directory `<owner>+<name>/repo` for each project. From the last 400 commits of each, COMMITS (34) by
the hash of their id, tests and configuration included. Nothing is run: what is counted is what `find_tampering` says.
"""

import hashlib
import sys
import tempfile
from collections import Counter
from pathlib import Path

from sweagent.git import git
from sweagent.repository.trusted import TrustedTree, make_git_dir
from sweagent.verify.proof import Finding, Weight
from sweagent.verify.static.patch_checks import find_tampering
from sweagent.verify.trees import Trees


def main() -> None:
    """Print each commit that is held or rejected, and the counts."""
    mirrors, number = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 34
    total: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for mirror in sorted(mirrors.glob("*/repo")):
        for commit, findings in _judged(mirror, number):
            weights = {finding.weight for finding in findings}
            kind = next((weight for weight in Weight if weight in weights), None)
            total[kind.value if kind else "nothing"] += 1
            held = [finding for finding in findings if finding.weight is not Weight.NOTE]
            rules.update({finding.rule for finding in held})
            for finding in held[:2]:
                name = f"{mirror.parent.name} {commit[:10]}"
                print(f"{name} {finding.weight.value} {finding.rule} {finding.location}: {finding.detail}"[:200])
    print(dict(total), dict(rules))


def _judged(mirror: Path, number: int) -> list[tuple[str, tuple[Finding, ...]]]:
    log = git("log", "--no-merges", "-n", "400", "--format=%H %P", "HEAD", git_dir=mirror).text.splitlines()
    pairs = [line.split() for line in log if line.count(" ") == 1]
    chosen = sorted(pairs, key=lambda pair: hashlib.sha256(pair[0].encode()).hexdigest())[:number]
    with tempfile.TemporaryDirectory() as folder:
        git_dir = Path(folder, "git")
        make_git_dir(git_dir, mirror, chosen[0][0])
        judged = []
        for commit, parent in chosen:
            trees = [git("rev-parse", f"{name}^{{tree}}", git_dir=git_dir).text for name in (parent, commit)]
            given = Trees(TrustedTree(git_dir, Path(folder), trees[0]))
            judged.append((commit, find_tampering(given, trees[1])))
        return judged


if __name__ == "__main__":
    main()
