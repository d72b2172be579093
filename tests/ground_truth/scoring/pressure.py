"""Checks a forecast's pressure lines against those of real runs: the host's, and that of the program's cgroup.

They are counted apart from the other checks. A value holds within the range of the runs, widened by 30 % of their
median, or by the floor of its kind where that is more: 50 ms for a total; 2, 0.5 and 0.15 percentage points for the
averages of 10, 60 and 300 seconds.
"""
import statistics

RELATIVE = 0.30
FLOOR = {"total_us": 50_000, "avg10": 2.0, "avg60": 0.5, "avg300": 0.15}
SCOPES = {"host": "psi", "app": "psi_group"}


def named(pressure):
    """{"psi_some_total_us": 1234, "psi_group_full_avg10": 0.5, ...} of {"host": lines, "app": lines}."""
    return {f"{prefix}_{line}_{value}": pressure[scope][line][value] for scope, prefix in SCOPES.items()
            if pressure.get(scope) for line in ("some", "full") for value in FLOOR}


def pressure_of_report(report):
    """The same shape as machine.pressure gives of a real run."""
    groups = report.get("host", {}).get("cgroups", [])
    lines = {"host": report.get("pressure"), "app": groups[0].get("pressure") if groups else None}
    return named({scope: values for scope, values in lines.items() if values})


def check_pressure(reals, forecast):
    """{value: (holds, forecast, real range)} of what any run has; `reals`, `forecast`: as named() gives them."""
    rows = {}
    for name in sorted({name for real in reals for name in real}):
        known = [real[name] for real in reals if name in real]
        floor = next(floor for value, floor in FLOOR.items() if name.endswith(value))
        slack = max(RELATIVE * statistics.median(known), floor)
        value = forecast.get(name) if forecast else None
        rows[name] = (value is not None and min(known) - slack <= value <= max(known) + slack, value,
                      (min(known), max(known)))
    return rows
