# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files of the repository, C without its comments and strings, and the way a check runs.

A check is a function from a tree (a list of File) to a list of complaints. Each proves first that it can fail: `bad`
has files that it must complain about, one by one, and `good` has files that it must accept.
"""
import os
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("common", "catalogue", "ledger", "ingest", "rating", "invoicing", "api", "cli")

File = namedtuple("File", "path text")  # path from the root of the repository, with slashes


def repository_paths():
    """Tracked files and new ones that are not ignored; outside of a git checkout every file but the built ones."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
                             capture_output=True, check=False)
    if listing.returncode == 0:
        return sorted(name for name in listing.stdout.decode().split("\0") if name)
    paths = []
    for folder, folders, names in os.walk(ROOT):
        inside = Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders
                      if name not in (".git", "__pycache__") and (inside / name).as_posix() not in ("build", "var")]
        paths += [(inside / name).as_posix() for name in names]
    return sorted(paths)


def repository_files():
    """All text files of the repository."""
    files = []
    for path in repository_paths():
        full = ROOT / path
        if full.is_symlink() or not full.is_file():
            continue
        content = full.read_bytes()
        if b"\0" not in content:
            files.append(File(path, content.decode("utf-8", "replace")))
    return files


C_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare_c(text):
    """C with comments and the insides of literals blanked; line numbers stay."""
    def blank(match):
        kept = "\n" * match[0].count("\n")
        return match[0][0] + kept + match[0][0] if match[0][0] in "\"'" else " " + kept
    return C_NOISE.sub(blank, text)


def run_check(name, check, bad, good):
    """The self test, then the check of the repository; prints results as tests/runner.py reads them, and leaves."""
    wrong = [f"accepts {file.path}: {file.text.strip()!r}" for file in bad if not check([file])]
    wrong += [f"{complaint}, but that is fine" for file in good for complaint in check([file])]
    for line in wrong:
        print(f"self test: {line}")
    print(f"not ok {name}_can_fail - {len(wrong)} wrong judgements, above" if wrong else f"ok {name}_can_fail")
    complaints = check(repository_files())
    for line in complaints:
        print(line)
    print(f"not ok {name} - {len(complaints)} complaints, above" if complaints else f"ok {name}")
    sys.exit(1 if wrong or complaints else 0)
