"""Turns a guest's samples and dmesg into what is kept of a run."""
import gzip
import os
import re
import struct

from machine.pressure import pressure_of_run
from machine.store import below, outcomes_in, store_evidence, store_host, store_outcomes

PAGE = 4096
THINNED_ROWS = 240
STALLS = ("allocstall_dma32", "allocstall_normal", "allocstall_movable")
KILLED = re.compile(r"\] (Memory cgroup o|O)ut of memory[^:]*: Killed process (\d+) \(([^)]*)\) (.*)")
START_MARK = "guest: start"


def samples_of(results):
    """[{column: value}], columns that this kernel lacks left out."""
    columns = results["columns"].decode().split("\t")
    width = 4 * len(columns)
    data = results["samples"]
    rows = []
    for at in range(0, len(data), width):
        values = struct.unpack_from(f"<{len(columns)}I", data, at)
        rows.append({name: value for name, value in zip(columns, values) if not name.startswith("-")})
    for moment_us, pages in ends_of_background(results):
        for row in rows:
            if row["t_us"] >= moment_us:
                row["background_gone"] = row.get("background_gone", 0) + pages
    return rows


def ends_of_background(results):
    """[(when in us, anonymous pages it had before the run)] of background processes that ended during the run."""
    ends = []
    exits = results["exits"].decode(errors="replace")
    for found in re.finditer(r"^exit ([\d.]+) bg \d+ pid (\d+) ", exits, re.MULTILINE):
        status = results.get(f"host/proc/{found[2]}/status", b"").decode()
        kib = sum(int(size) for size in re.findall(r"^(?:RssAnon|VmSwap):\s*(\d+) kB", status, re.MULTILINE))
        ends.append((float(found[1]) * 1e6, kib // 4))
    return ends


def counted_twice(row, base):
    """Pages that are mapped and have kept their slot. The swap cache also holds pages that are not mapped: on the lists
    (which shared memory is on as well) each page is once."""
    grown = lambda *names: sum(row.get(name, 0) - base.get(name, 0) for name in names)
    twice = grown("nr_anon_pages", "nr_shmem", "nr_swapcached") - grown("nr_inactive_anon", "nr_active_anon")
    return min(max(0, twice), row.get("nr_swapcached", 0))


def footprint(row, base):
    """Anonymous and shared memory that the run has added, resident or swapped out, each page once; in bytes."""
    of = lambda sample: sample["nr_anon_pages"] + sample.get("nr_shmem", 0) + sample["swap_used"]
    return (of(row) + row.get("background_gone", 0) - counted_twice(row, base) - of(base)) * PAGE


def stalls(row, base):
    return sum(row.get(name, 0) - base.get(name, 0) for name in STALLS)


def reclaimed_for_itself(row, base, in_cgroup):
    """Whether a task has reclaimed: for the host, by node reclaim, or (in cgroup cases) within its cgroup."""
    grew = lambda name: row.get(name, 0) - base.get(name, 0)
    if stalls(row, base) or grew("pgscan_direct"):
        return True
    return in_cgroup and grew("pgscan_anon") + grew("pgscan_file") > grew("pgscan_kswapd") + grew("pgscan_khugepaged")


def first_row(rows, holds):
    """The first sample at which `holds`, as an incident; None if there is none."""
    base = rows[0]
    for before, row in zip(rows, rows[1:]):
        if holds(row):
            # A victim may already have given memory back by the time of the sample that shows its kill.
            most = max(footprint(row, base), footprint(before, base))
            return {"t": round(row["t_us"] / 1e6, 3), "step": row["step"], "bytes": row["pages"] * PAGE,
                    "footprint": most, "free_pages": row["nr_free_pages"],
                    "missed": footprint(row, base) - footprint(before, base)}
    return None


def dmesg_of_run(results):
    text = results.get("dmesg", b"").decode(errors="replace")
    return text[text.rindex(START_MARK):].split("\n", 1)[1] if START_MARK in text else text


def kills_of(dmesg):
    return [{"scope": "cgroup" if found[1].startswith("Memory") else "host", "pid": int(found[2]), "comm": found[3],
             "detail": found[4]} for found in KILLED.finditer(dmesg)]


def zswap_of(rows):
    """What zswap held at most and what went through it; nothing of a case without it. `written_back`: kernels before 6.8
    have no counter zswpwb."""
    last, base = rows[-1], rows[0]
    if "zswap_stored_pages" not in last:
        return {}
    most = lambda name: max(row[name] for row in rows)
    return {"zswap": {"zswpin": last["zswpin"] - base["zswpin"], "zswpout": last["zswpout"] - base["zswpout"],
                      "written_back": last["zswap_written_back_pages"] - base["zswap_written_back_pages"],
                      "pool_peak_bytes": most("zswap_pool_total_size"), "stored_peak": most("zswap_stored_pages")}}


def outcome_of(results, in_cgroup):
    rows = samples_of(results)
    base, last = rows[0], rows[-1]
    grew = lambda name: lambda row: row.get(name, 0) > base.get(name, 0)
    gaps = [later["t_us"] - row["t_us"] for row, later in zip(rows, rows[1:])]
    firsts = {
        "first_kswapd_wake": first_row(rows, grew("pageoutrun")),
        "first_kswapd_scan": first_row(rows, grew("pgscan_kswapd")),
        "first_direct_reclaim": first_row(rows, lambda row: reclaimed_for_itself(row, base, in_cgroup)),
        "first_swapout": first_row(rows, grew("pswpout")),
        "first_oom": first_row(rows, grew("oom_kill")),
    }
    missed = [event.pop("missed") for event in firsts.values() if event]
    names = results["columns"].decode().split("\t")[4:]
    names = [name for name in names if "free_node" not in name and not name.lstrip("-").startswith(("zswap_", "zswp"))]
    return {
        **firsts,
        "allocstalls": stalls(last, base),
        "sampler_gap_s": round(max(gaps) / 1e6, 3),
        "sampler_jump": max([0, *missed]),
        "footprint_peak": max(footprint(row, base) for row in rows),
        "total_bytes": max(row["pages"] for row in rows) * PAGE,
        "wall_s": round(last["t_us"] / 1e6, 3),
        "kills": kills_of(dmesg_of_run(results)),
        "pressure": pressure_of_run({name: data.decode(errors="replace") for name, data in results.items()
                                     if name.endswith(("pressure/memory", "memory.pressure"))}),
        **zswap_of(rows),
        "delta": {name.lstrip("-"): last.get(name, 0) - base.get(name, 0) for name in names},
        "exits": results["exits"].decode(errors="replace").split("\n"),
    }


def trouble_of(outcome, largest_gap, largest_jump):
    """Why a run must not be kept, or None. A gap is harmless while the guest as a whole stood still: on a busy machine
    all its CPUs may. What counts is how much memory was taken between the sample of a first event and the one before."""
    if outcome["sampler_gap_s"] > largest_gap:
        return f"the sampler lost its rhythm: a gap of {outcome['sampler_gap_s']:.3f} s"
    if outcome["sampler_jump"] > largest_jump:
        missed = outcome["sampler_jump"] / (1 << 20)
        return f"the sampler lost its rhythm: {missed:.1f} MiB taken since the sample before an event"
    if any(line.startswith("limit ") for line in outcome["exits"]):
        return "the run did not end within limit_s"
    if any(re.search(r" run \d+ pid \d+ status code 12[3-7]$", line) for line in outcome["exits"]):
        return "the run's command could not be started: " + "; ".join(outcome["exits"])
    return None


def thinned(rows, outcome):
    """About THINNED_ROWS of the samples: evenly spread, and those around each first event."""
    keep = {round(i * (len(rows) - 1) / THINNED_ROWS) for i in range(THINNED_ROWS + 1)}
    moments = {event["t"] for key, event in outcome.items() if key.startswith("first_") and event}
    for index, row in enumerate(rows):
        if round(row["t_us"] / 1e6, 3) in moments:
            keep |= {max(index - 1, 0), index}
    return [rows[index] for index in sorted(keep)]


def write_tsv(path, rows):
    names = [name for name in rows[0] if name not in ("t_us", "step", "pages", "background_gone")]
    lines = ["\t".join(["t", "step", "bytes", *names])]
    for row in rows:
        lines.append("\t".join([f"{row['t_us'] / 1e6:.3f}", str(row["step"]), str(row["pages"] * PAGE),
                                *(str(row[name]) for name in names)]))
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
        packed.write(("\n".join(lines) + "\n").encode())


def oom_text(dmesg):
    """The kernel's lines about its kills, without call traces and registers."""
    kept, inside = [], False
    for line in dmesg.splitlines():
        if "Call Trace:" in line:
            inside = True
        if not inside:
            kept.append(line)
        if "</TASK>" in line:
            inside = False
    return "".join(line + "\n" for line in kept)


def store_run(results, outcome, directory, number):
    """Adds run `number` of a case; only the first is kept in full, of the others the outcome says enough."""
    os.makedirs(directory, exist_ok=True)
    store_outcomes(directory, [*outcomes_in(directory)[: number - 1], outcome])
    if number != 1:
        return
    store_host(directory, below(results, "host/"))
    write_tsv(f"{directory}/vmstat.tsv.gz", thinned(samples_of(results), outcome))
    evidence = {f"after/{name}": text for name, text in below(results, "after/").items()}
    if outcome["kills"]:
        evidence["dmesg/1"] = oom_text(dmesg_of_run(results))
    store_evidence(directory, evidence)
