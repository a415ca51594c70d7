"""Everything under a folder, links followed once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from reprocess.errors import SourceError
from reprocess.schema.granules import LeftOut, Selection
from reprocess.sources.entry import Entry
from reprocess.sources.naming import is_set_aside, read_name
from reprocess.sources.remote import Folder


class Walk:
    """A walk through the folders of an archive that can hold what is asked for.

    Links to folders are followed once all that is reached without them is known. Each real folder is
    opened once, so that no loop of links is endless and no file is found twice by way of them.
    """

    def __init__(self, folder: Folder, asked: Selection) -> None:
        self.files: list[Entry] = []
        """What is no folder, by path; entries that links lead to come last."""
        self.left_out: list[LeftOut] = []
        """Folders that are not looked into although they could hold what is asked for."""
        self._folder, self._asked = folder, asked
        self._real_root = os.path.realpath(folder.root)
        self._opened = {self._real_root}
        """Real paths; only folders of this machine have them."""

    def through(self, pool: ThreadPoolExecutor) -> "Walk":
        """Walk, a level at a time.

        Raises
        ------
        SourceError
            If a folder cannot be listed, but for one of this machine below the root: it is left out by name.
        """
        level = [Entry("", self._folder.root, "", True, None, "")]
        links: list[Entry] = []
        while level or links:
            if not level:
                links.sort(key=lambda entry: entry.path, reverse=True)
                level = [link for link in [links.pop()] if self._is_new(link)]
            found = self._contents(level, pool)
            self.files += [entry for entry in found if not entry.folder]
            folders = [entry for entry in found if entry.folder and self._is_wanted(entry)]
            level = [entry for entry in folders if not entry.link and self._is_new(entry)]
            links += [entry for entry in folders if entry.link]
        self.files.sort(key=lambda entry: (entry.link, entry.path))
        return self

    def _contents(self, level: Sequence[Entry], pool: ThreadPoolExecutor) -> list[Entry]:
        found = pool.map(self._look, level)
        return [entry for entries in found for entry in entries]

    def _look(self, entry: Entry) -> list[Entry]:
        """Return what lies in a folder."""
        try:
            return self._folder.list(entry.path)
        except SourceError as e:
            if e.reason != "unreadable" or entry.path == self._folder.root:
                raise
            self.left_out.append(LeftOut(entry.url, "unreadable"))
            return []

    def _is_wanted(self, entry: Entry) -> bool:
        """Tell whether a folder is to be opened; if its name is not the reason, it is left out by name.

        On this machine a folder of another year or satellite is opened too, as a day may have been put there.
        """
        if not entry.real and not self._asked.opens(entry.path.removeprefix(self._folder.root)):
            return False
        named = read_name(entry.name)
        if named.is_day:
            self.left_out.append(LeftOut(entry.url, "not_a_file", named.satellite, named.day))
        elif is_set_aside(entry.name):
            self.left_out.append(LeftOut(entry.url, "hidden"))
        else:
            return True
        return False

    def _is_new(self, entry: Entry) -> bool:
        """Tell whether a folder is still to be opened, and take note that it will be."""
        if not entry.real:
            return True
        if self._real_root.startswith(entry.real.rstrip("/") + "/"):
            self.left_out.append(LeftOut(entry.url, "loop"))
            return False
        known = entry.real in self._opened
        self._opened.add(entry.real)
        return not known
