"""Checks a forecast against the real runs: one check per value, within the range of the runs and a tolerance.

A share of checks means little by itself: some hold for a model that knows no kernel (null), some fail for another real
run (floor). Skill is where a forecast stands between the two: (score - null) / (floor - null).
"""
import statistics

from scoring.facts import MIB, ZSWAP, null_facts

# value: (relative tolerance, absolute tolerance)
TOLERANCE = {
    "at_kswapd_wake": (0.015, 3 * MIB), "at_kswapd_scan": (0.015, 3 * MIB), "at_direct": (0.015, 3 * MIB),
    "at_swapout": (0.015, 3 * MIB), "at_oom": (0.01, 2 * MIB),
    "pgsteal": (0.10, 256), "pgscan": (0.30, 512), "pswpout": (0.10, 256), "pswpin": (0.15, 256),
    "refault_file": (0.15, 256), "refault_anon": (0.15, 256),
    "zswpout": (0.10, 256), "zswpin": (0.15, 256), "zswap_written_back": (0.15, 256), "zswap_pool_peak": (0.02, 1 * MIB),
    "direct_share": (0, 0.15), "futile_stalls": (0.10, 1), "footprint_peak": (0.02, 2 * MIB),
}
SWAP_TRICKLE = 1024  # pages swapped out, below which the moment of the first is chance


def same_kills(ours, real):
    return len(ours) == len(real) and all(
        a[:2] == b[:2] and abs(a[2] - b[2]) <= 0.02 * b[2] + MIB for a, b in zip(ours, real))


def applies(name, reals, forecast):
    """Whether this value is a fair question for the case."""
    if name in ZSWAP:
        return any(r.get(name) is not None for r in reals)
    known = [r[name] for r in reals if r[name] is not None]
    if name in ("direct_share", "futile_stalls"):
        return len(known) == len(reals)
    if name == "at_swapout" and max(r["pswpout"] for r in reals) < SWAP_TRICKLE:
        return False
    if name.startswith("at_"):
        return bool(known) or forecast is None or forecast[name] is not None
    if name in ("footprint_peak", "pgsteal", "pswpout"):
        return True
    return not known or max(known) != 0 or bool(forecast and forecast[name])


def holds(name, reals, forecast):
    if forecast is None:
        return False
    known = [r[name] for r in reals if r[name] is not None]
    value = forecast[name]
    if value is None:
        return len(known) < len(reals)
    if not known:
        return False
    relative, absolute = TOLERANCE[name]
    slack = max(relative * statistics.median(known), absolute)
    return min(known) - slack <= value <= max(known) + slack


def check(reals, forecast):
    """{value: (holds, forecast, real range)} for all values that apply. No forecast (None) fails them all."""
    rows = {"verdict": (forecast is not None and forecast["verdict"] in {r["verdict"] for r in reals},
                        forecast and forecast["verdict"], sorted({r["verdict"] for r in reals}))}
    if any(r["kills"] for r in reals) or (forecast and forecast["kills"]):
        good = forecast is not None and any(same_kills(forecast["kills"], r["kills"]) for r in reals)
        rows["victims"] = (good, forecast and forecast["kills"], reals[0]["kills"])
    for name in TOLERANCE:
        if applies(name, reals, forecast):
            known = [r[name] for r in reals if r[name] is not None]
            rows[name] = (holds(name, reals, forecast), forecast and forecast[name],
                          (min(known), max(known)) if known else None)
    return rows


class Score:
    """Checks held of checks made; they add up, and counts may be fractions where several runs are averaged."""

    def __init__(self, held=0.0, made=0.0):
        self.held, self.made = held, made

    def __add__(self, other):
        return Score(self.held + other.held, self.made + other.made)

    @property
    def share(self):
        return self.held / self.made if self.made else 0.0


def score_of(rows):
    return Score(sum(row[0] for row in rows.values()), len(rows))


def null_score(meminfo, reals, case):
    return score_of(check(reals, null_facts(meminfo, reals, case)))


def floor_score(reals):
    """Each real run against the others, averaged; nothing if there is only one."""
    total = Score()
    if len(reals) < 2:
        return total
    for index, real in enumerate(reals):
        one = score_of(check(reals[:index] + reals[index + 1:], real))
        total += Score(one.held / len(reals), one.made / len(reals))
    return total


def skill(share, null, floor):
    """None where null and floor are not apart: then the case says nothing about skill."""
    return (share - null) / (floor - null) if floor - null > 0.01 else None
