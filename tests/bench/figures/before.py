"""The build before: a git revision, built once under .run/against/ and kept there."""

import pathlib
import shutil
import subprocess

from tests.lib.process import KEPT, ROOT

BEFORE = "8f8f44ff"  # what "the build before" means unless --against says otherwise


def run(arguments, log, cwd):
    with open(log, "ab") as output:
        done = subprocess.run(arguments, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[:3])} failed; all of its output is in {log}")


def unpack(revision, folder):
    """The tree of the revision without a worktree, so that nothing of it stays in the repository."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive = subprocess.Popen(["git", "archive", revision], cwd=ROOT, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(folder)], stdin=archive.stdout, check=True)
    if archive.wait() != 0:
        raise RuntimeError(f"git archive {revision} failed")


def build(reference, say=print):
    """(path of the program, its revision). Raises RuntimeError with the log's place."""
    found = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}"], cwd=ROOT,
                           capture_output=True, text=True)
    if found.returncode != 0:
        raise RuntimeError(f"git knows no revision {reference}")
    revision = found.stdout.strip()[:8]
    kept = KEPT / "against" / revision
    program = kept / "verbatim"
    if program.exists():
        return program, revision
    say(f"building {revision} to compare with: about a minute, once (log: {kept.relative_to(ROOT)}/log)")
    source, log = kept / "source", kept / "log"
    unpack(revision, source)
    run(["cmake", "--preset", "release"], log, source)
    run(["cmake", "--build", "--preset", "release", "--target", "verbatim"], log, source)
    shutil.copy2(pathlib.Path(source, "build/release/verbatim"), program)
    shutil.rmtree(source)
    return program, revision
