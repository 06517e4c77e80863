"""Pictures of the console for the documents: each view light, dark, on a phone and with Arabic names.

usage: VERBATIM_BINARY=build/release/verbatim python3 tests/console/screenshots.py [FOLDER] [STATE...]

Writes console-STATE.png, -dark, -phone and -arabic; FOLDER is docs/screenshots. pngquant makes them small where it is
installed.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.lib.browser import Browser  # noqa: E402 (after the path)
from tests.lib.console_states import ARABIC, House, show  # noqa: E402
from tests.lib.postgres import Postgres  # noqa: E402
from tests.lib.process import scratch_folder  # noqa: E402
from tests.lib.service import Program, Service  # noqa: E402

SHOWN = ("sign-in", "exports", "export", "new", "keys", "keys-new", "audit", "people-found", "people-export",
         "settings")
WIDE, PHONE = (1200, 860), (360, 740)
# Every name that people gave, in a script from right to left.
IN_ARABIC = f"""
UPDATE chat.contact SET name = '{ARABIC}' WHERE name IS NOT NULL;
UPDATE chat.assistant SET name = 'ليلى — المساعدة';
UPDATE chat.channel SET name = 'واتساب المبيعات'
"""


class Services:
    """Starts services as the fixture of the tests does; all end with the block."""

    def __init__(self, program, folder):
        self.program, self.folder, self.running = program, folder, []

    def __call__(self, **options):
        (self.folder / "storage").mkdir(exist_ok=True)
        service = Service(self.program, self.folder, storage=f"file://{self.folder}/storage", **options)
        service.start()
        self.running.append(service)
        return service

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for service in self.running:
            service.stop()


def picture(browser, house, state, path, size, dark=False):
    page = browser.new_page()
    page.window(*size, dark=dark)
    show(page, house, state)
    page.value("document.activeElement?.blur()")
    page.screenshot(path)
    page.close()
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--quality=70-95", "--output", path, path])
    print(path, pathlib.Path(path).stat().st_size)


def house_of(cluster, name, folder, binary):
    database = cluster.create_database(name)
    program = Program(binary, database.url)
    services = Services(program, folder)
    return database, program, services


def main(folder, states):
    binary = os.environ.get("VERBATIM_BINARY", str(ROOT / "build/release/verbatim"))
    folder.mkdir(exist_ok=True)
    with Postgres() as cluster, scratch_folder() as first, scratch_folder() as second, Browser() as browser:
        database, program, services = house_of(cluster, "shots", first, binary)
        with services:
            house = House(program, database, services)
            for state in states:
                picture(browser, house, state, folder / f"console-{state}.png", WIDE)
                picture(browser, house, state, folder / f"console-{state}-dark.png", WIDE, dark=True)
                picture(browser, house, state, folder / f"console-{state}-phone.png", PHONE)
        database, program, services = house_of(cluster, "shots_arabic", second, binary)
        with services:
            house = House(program, database, services, names=IN_ARABIC)
            program.workspace("one", source_id="platform-one", name="مخبز الأحمد", time_zone="Asia/Riyadh")
            for state in states:
                picture(browser, house, state, folder / f"console-{state}-arabic.png", WIDE)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs/screenshots", sys.argv[2:] or SHOWN)
