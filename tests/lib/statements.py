"""What a database is asked, statement by statement, as its server logs it.

pg_stat_database tells less: it leaves out transactions that touch no table until their session touches one."""

import re

LINE = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\S+) LOG:  (?:execute|statement)[^:]*: (.*)$", re.M)


class Statements:
    """Those of the databases from the moment of making this on. Sessions that begin after Statements.log are seen."""

    def __init__(self, cluster, *databases):
        self.cluster, self.names = cluster, {each.name for each in databases}
        self._skip = cluster.log_path.stat().st_size

    @staticmethod
    def log(*databases, on=True):
        change = "SET log_statement = 'all'" if on else "RESET log_statement"
        for each in databases:
            each.execute(f"ALTER DATABASE {each.name} {change}")

    def all(self):
        """(pid of the session, text up to the end of its line) of each."""
        with self.cluster.log_path.open("rb") as file:
            file.seek(self._skip)
            text = file.read().decode(errors="replace")
        return [(pid, said) for pid, name, said in LINE.findall(text) if name in self.names]

    def pids(self, word):
        """Sessions that sent statements with this word, one entry a statement."""
        return [pid for pid, text in self.all() if word in text]
