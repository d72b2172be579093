"""Finds cases that do worse than they did: the expected results, one line for each case and column, in a file to be reviewed.

A forecast of the model alone is the same in every run, so it may miss no check that the file does not name. Of a live run
the number of missed checks counts. How many checks are made depends on the forecast itself: whether a value is asked for at
all may do so.
"""
HEADING = ("case", "column", "held", "made", "missed")


class Expected:
    """{(case, column): (held, made, missed names)}."""

    def __init__(self, lines=None):
        self.lines = lines or {}

    @staticmethod
    def read(path):
        with open(path) as file:
            rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
        if not rows or tuple(rows[0]) != HEADING:
            raise ValueError(f"{path}: the first line has to read {' '.join(HEADING)}, with tabs between")
        lines = {}
        for row in rows[1:]:
            if len(row) != len(HEADING) or not (row[2].isdigit() and row[3].isdigit()):
                raise ValueError(f"{path}: not {' '.join(HEADING)} with tabs between: {' '.join(row)}")
            lines[row[0], row[1]] = (int(row[2]), int(row[3]), row[4])
        return Expected(lines)

    def write(self, path):
        with open(path, "w") as file:
            file.write("\t".join(HEADING) + "\n")
            for (case, column), (held, made, missed) in sorted(self.lines.items()):
                file.write(f"{case}\t{column}\t{held}\t{made}\t{missed}\n")

    def put(self, case, column, rows):
        missed = [name for name, row in rows.items() if not row[0]]
        self.lines[case, column] = (len(rows) - len(missed), len(rows), ",".join(missed) or "-")

    def complaint(self, case, column, rows):
        """A sentence on what is worse than expected, or None. `rows`: as scoring.checks.check() gives them."""
        missed = [name for name, row in rows.items() if not row[0]]
        if (case, column) not in self.lines:
            return f"{case}, {column}: nothing is expected of it; add it with --update"
        held, made, known = self.lines[case, column]
        if column.startswith("model"):
            fine = set(missed) <= set(known.split(","))
        else:
            fine = len(missed) <= made - held
        if fine:
            return None
        return (f"{case}, {column}: misses {len(missed)} of {len(rows)} checks ({', '.join(missed)}), "
                f"expected are {made - held} of {made} ({known.replace(',', ', ')})")

    def improved(self, case, column, rows):
        """Whether fewer checks are missed than expected: the file may ask for more."""
        held, made, _ = self.lines.get((case, column), (0, 0, ""))
        return made > 0 and sum(not row[0] for row in rows.values()) < made - held

    def without_result(self, columns, seen):
        """Lines of these columns that no result came for: a case was removed, or could not be run."""
        return [f"{case}, {column}: no result, {held}/{made} expected"
                for (case, column), (held, made, _) in sorted(self.lines.items())
                if column in columns and (case, column) not in seen]


def two_of_three(run, is_worse):
    """Runs until the same was said twice. What a live run comes to depends on the machine's other work as well; a case
    has become worse if two runs of three are worse. Gives the last result that says what the two say."""
    said = {False: 0, True: 0}
    while True:
        result = run()
        worse = is_worse(result)
        said[worse] += 1
        if said[worse] == 2 or (not worse and sum(said.values()) == 1):
            return result
