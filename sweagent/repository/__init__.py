"""The repository at its base commit, and the sandbox's copy."""

from sweagent.repository.deliver import apply_to_worktree, commit_to_branch
from sweagent.repository.intake import default_cache_dir, local_work_tree, open_repository, tracked_paths
from sweagent.repository.seed import Seed, SeedFile, make_seed, seed_archive
from sweagent.repository.trusted import TrustedTree, trusted_tree

__all__ = [
    "Seed",
    "SeedFile",
    "TrustedTree",
    "apply_to_worktree",
    "commit_to_branch",
    "default_cache_dir",
    "local_work_tree",
    "make_seed",
    "open_repository",
    "seed_archive",
    "tracked_paths",
    "trusted_tree",
]
