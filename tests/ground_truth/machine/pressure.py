"""Reads the kernel's pressure lines: how much of a run was lost to memory, on the host and in its cgroups."""
import re

LINE = re.compile(r"^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$", re.MULTILINE)


def pressure_of(text):
    """{some, full: {avg10, avg60, avg300, total_us}}, as /proc/pressure/memory and memory.pressure say it."""
    return {found[1]: {"avg10": float(found[2]), "avg60": float(found[3]), "avg300": float(found[4]),
                       "total_us": int(found[5])} for found in LINE.finditer(text)}


def since(after, before):
    """What the run has added to the totals; the averages as they stood at its end."""
    return {line: {**values, "total_us": values["total_us"] - before.get(line, {"total_us": 0})["total_us"]}
            for line, values in after.items()}


def pressure_of_run(texts):
    """{"host", "app", "outer": lines} of what was recorded before (host/...) and after (after/...) a run. A cgroup of
    the run is made for it and has lost nothing before."""
    before = pressure_of(texts.get("host/proc/pressure/memory", ""))
    lines = {"host": since(pressure_of(texts.get("after/proc/pressure/memory", "")), before)}
    for group in ("app", "outer"):
        lines[group] = pressure_of(texts.get(f"after/cg/{group}/memory.pressure", ""))
    return {name: values for name, values in lines.items() if values}
