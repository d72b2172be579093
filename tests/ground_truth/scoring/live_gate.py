"""Judges live runs on a machine that may be busy: single cases may do worse there, all of them together may not."""

VERDICT_CHECKS = ("verdict", "victims")
VERDICT_SHARE = 93  # per cent; 96.6 held on a quiet machine, and the machine's other work changes few of them


def excuse_live(worse, live_rows, share):
    """Gives (what is excused, what stays) of the complaints `worse`.

    Complaints about single live cases are excused as long as `share` per cent of all live checks hold, and VERDICT_SHARE of
    the verdicts and victims. `live_rows`: for each case what scoring.checks.check() gave."""
    single = [line for line in worse if ", capture: misses" in line]
    rest = [line for line in worse if line not in single]
    short = [line for line in (shortfall(live_rows, share, "checks", lambda name: True),
                               shortfall(live_rows, VERDICT_SHARE, "verdicts and victims", VERDICT_CHECKS.__contains__))
             if line]
    return ([], rest + short + single) if short else (single, rest)


def shortfall(live_rows, share, what, counts):
    """A sentence if fewer than `share` per cent of the checks hold whose name `counts`, or None."""
    held = [bool(row[0]) for rows in live_rows for name, row in rows.items() if counts(name)]
    percent = 100 * sum(held) / len(held) if held else 100
    return None if percent >= share else f"live: {percent:.0f} % of the {what} hold, {share:g} % are expected"
