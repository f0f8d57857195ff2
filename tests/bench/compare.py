# SPDX-License-Identifier: Apache-2.0
"""This tree beside another revision, which is built in a worktree under build/ that is removed afterwards. What sends,
looks and stands beside it is this tree's; `turnpike`, bench_engine and bench_dedup are each tree's own, and a row that
the other revision cannot run is left out."""
import shutil

import figures
from progress import progress
from world import ROOT, Failed, World, sh

OPTIONAL = ("bench_engine", "bench_dedup")


def build(revision):
    """A built worktree of the revision."""
    commit = sh("git", "-C", ROOT, "rev-parse", "--verify", f"{revision}^{{commit}}").strip()
    tree = ROOT / "build" / f"compare-{commit[:12]}"
    remove(tree)
    sh("git", "-C", ROOT, "worktree", "add", "--detach", tree, commit)
    with progress.step(f"build of {commit[:12]}"):
        sh("cmake", "--preset", "release", cwd=tree)
        sh("ninja", "-C", "build/release", "--quiet", "turnpike", cwd=tree)
        for target in OPTIONAL:
            try:
                sh("ninja", "-C", "build/release", "--quiet", target, cwd=tree)
            except Failed:
                pass  # its rows will say that they cannot be measured
    return tree


def remove(tree):
    try:
        sh("git", "-C", ROOT, "worktree", "remove", "--force", tree)
    except Failed:  # none, or half of one
        shutil.rmtree(tree, ignore_errors=True)
        sh("git", "-C", ROOT, "worktree", "prune")


def run(options, measure):
    """A B A B ...; 1 if a row of this tree could not be measured."""
    tree, rounds, failed = None, {"this": [], "other": []}, []
    try:
        tree = build(options.compare)
        for number in range(options.rounds):
            for name, root in (("this", ROOT), ("other", tree)):
                print(f"round {number + 1} of {options.rounds}, {name}", flush=True)
                found, without = measure(World(root, options.tenants), options)
                rounds[name].append(found)
                failed += without if name == "this" else []
    finally:
        if tree:
            remove(tree)
    head = ("measure", "this tree", options.compare, "ratio")
    print(figures.aligned(head, figures.compared(("this", "other"), rounds)))
    return 1 if failed else 0
