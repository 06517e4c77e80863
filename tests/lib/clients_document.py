"""The programs of docs/clients.md, as a reader would save and run them."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/clients.md").read_text()
WORKSPACE = "00000000-0000-4000-8000-000000000001"
CHANNEL = "00000000-0000-4000-8000-000000000101"
# A section's heading: its block's language, and the tool that has to be there.
PROGRAMS = {"Python": ("python", "python3"), "Node": ("js", "node"), "Java": ("java", "javac"),
            "curl": ("bash", "curl"), "Go": ("go", "go")}


def section(name):
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)[1]


def program(name):
    """(text, command, what the document shows of its output)"""
    text = re.search(rf"```{PROGRAMS[name][0]}\n(.*?)```", section(name), re.DOTALL)[1]
    command, output = re.search(r"```console\n\$ (.*?)\n(.*?)```", section(name), re.DOTALL).groups()
    return text, command.split(), output


def is_there(name):
    return shutil.which(PROGRAMS[name][1]) is not None


def masked(output):
    """Without what differs from export to export."""
    return re.sub(r"_[0-9a-f]{8}\.", "_ID.", re.sub(r"(?m)^(queued|started|finished)$", "STATUS", re.sub(
        r"(?<!\w)\d+(?= conversations| bytes)", "N", output)))


def make_key(program, messages_per_conversation):
    """Of the workspace of the demo's conversations."""
    program.migrate()
    program.demo_data(conversations=1000, messages_per_conversation=messages_per_conversation)
    program.workspace(WORKSPACE)
    return program.key(WORKSPACE)


def run(name, folder, service, key):
    """What it printed, and the one file that it saved."""
    text, command, _ = program(name)
    (folder / command[-1]).write_text(text)
    before = set(folder.iterdir())
    env = os.environ | {"BASE": service.url, "KEY": key, "WORKSPACE": WORKSPACE, "CHANNEL": CHANNEL}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    [file] = set(folder.iterdir()) - before
    return done.stdout, file
