"""HTML archives on a disk, for a browser to open: each exported once, when it is first asked for."""

import io
import zipfile

from . import archive_source as source


class Archives:
    """`archives.page("shop")` is the address of that channel's one file, `archives.folder("shop", "chunks")` the folder
    that a ZIP of it was unpacked to."""

    def __init__(self, service, key, folder):
        self.service, self.key, self._folder, self._made = service, key, folder, {}

    def _once(self, name, make):
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def path(self, channel, **more):
        def make():
            path = self._folder / f"{channel}{len(self._made)}.html"
            path.write_bytes(source.export(self.service, self.key, channel, **more))
            return path
        return self._once((channel, str(more)), make)

    def page(self, channel, **more):
        return self.path(channel, **more).as_uri()

    def folder(self, channel, files, **more):
        def make():
            folder = self._folder / f"{channel}-{files}-{len(self._made)}"
            data = source.export(self.service, self.key, channel, files=files, **more)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                archive.extractall(folder)
            return folder
        return self._once((channel, files, str(more)), make)
