"""Takes the same facts, numbers that can be compared, from a real run, from a report, and from no model at all."""
import json
import re
import statistics

from scoring.pressure import named, pressure_of_report

MIB = 1 << 20
PAGE = 4096
FIRST = {"at_kswapd_wake": "kswapd_wake", "at_kswapd_scan": "kswapd_scan", "at_direct": "direct_reclaim",
         "at_swapout": "swap_out", "at_oom": "oom_kill"}
FIRST_OF_REAL = {"at_kswapd_wake": "first_kswapd_wake", "at_kswapd_scan": "first_kswapd_scan",
                 "at_direct": "first_direct_reclaim", "at_swapout": "first_swapout", "at_oom": "first_oom"}
# Of cases with zswap: what a run's outcome, and a report's host, call them.
ZSWAP = {"zswpout": "zswpout", "zswpin": "zswpin", "zswap_written_back": "written_back", "zswap_pool_peak": "pool_peak_bytes"}
SMALLEST_SHARE_BASE = 2048  # pages stolen for the host, below which a share of direct reclaim says nothing


def counted(counters):
    """The values that both a real run and a report derive from /proc/vmstat names."""
    host_steal = counters["pgsteal_kswapd"] + counters["pgsteal_direct"]
    return {
        "pgsteal": counters["pgsteal_anon"] + counters["pgsteal_file"],
        "pgscan": counters["pgscan_anon"] + counters["pgscan_file"],
        "pswpout": counters["pswpout"], "pswpin": counters["pswpin"],
        "refault_file": counters["workingset_refault_file"], "refault_anon": counters["workingset_refault_anon"],
        "direct_share": counters["pgsteal_direct"] / host_steal if host_steal > SMALLEST_SHARE_BASE else None,
    }


def real_facts(outcome):
    """Of one recorded run, an object of outcomes.json."""
    facts = counted(outcome["delta"])
    for name, key in FIRST_OF_REAL.items():
        facts[name] = outcome[key]["footprint"] if outcome.get(key) else None
    facts["footprint_peak"] = outcome["footprint_peak"]
    facts.update({name: outcome.get("zswap", {}).get(key) for name, key in ZSWAP.items()})
    facts["pressure"] = named(outcome.get("pressure", {}))
    facts["kills"], seen = [], set()
    for kill in outcome["kills"]:
        if kill.get("pid") in seen:  # with memory.oom.group the log names the victim twice
            continue
        if "pid" in kill:
            seen.add(kill["pid"])
        rss = re.search(r"anon-rss:(\d+)kB", kill["detail"])
        adj = re.search(r"oom_score_adj:(-?\d+)", kill["detail"])
        facts["kills"].append((kill["comm"], int(adj[1]) if adj else 0, int(rss[1]) * 1024 if rss else 0))
    swapless_oom = outcome["kills"] and not facts["pswpout"]
    facts["futile_stalls"] = outcome["allocstalls"] if swapless_oom else None
    if outcome["kills"]:
        facts["verdict"] = "oom_kill"
    elif any("status code 7" in line for line in outcome["exits"]):
        facts["verdict"] = "alloc_refused"
    elif outcome["first_direct_reclaim"]:
        facts["verdict"] = "direct_reclaim"
    else:
        facts["verdict"] = "background_reclaim" if outcome["first_kswapd_scan"] else "fits"
    return facts


def report_facts(path):
    with open(path) as file:
        report = json.load(file)
    facts = counted(report["counters"])
    for name, key in FIRST.items():
        facts[name] = report["first"][key]["app_footprint_bytes"] if report["first"].get(key) else None
    facts["footprint_peak"] = report["app"]["footprint_peak_bytes"]
    zswap = report["host"].get("zswap", {})
    facts.update({"zswpout": report["counters"].get("zswpout"), "zswpin": report["counters"].get("zswpin"),
                  "zswap_written_back": zswap.get("written_back_pages"), "zswap_pool_peak": zswap.get("pool_peak_bytes")})
    facts["pressure"] = pressure_of_report(report)
    facts["futile_stalls"] = sum(v for k, v in report["counters"].items() if k.startswith("allocstall"))
    victims = [kill["victim"] for kill in report["oom_kills"]]
    facts["kills"] = [(v["comm"], v["oom_score_adj"], v["rss_bytes"]) for v in victims]
    facts["verdict"] = report["verdict"]
    return facts


def null_facts(meminfo, reals, case):
    """The forecast of somebody who knows no kernel: all is well up to MemFree or the limit, then everything happens at once.
    Even how much the program will want is known to it. `meminfo`: the text of the host's file."""
    free = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in meminfo.splitlines()}
    limits = [int(value) for file, value in case.get("cgroup", {}).items()
              if file in ("memory.max", "memory.high", "memory.limit_in_bytes") and value.isdigit()]
    limit, swap = min([free["MemFree"], *limits]), free["SwapFree"]
    want = statistics.median(real["footprint_peak"] for real in reals)
    over = want > limit
    oom = want > limit + swap - 16 * MIB or (over and not swap)
    at = limit if over else None
    excess = max(0, want - limit) / PAGE
    return {
        "verdict": "oom_kill" if oom else "direct_reclaim" if over else "fits",
        "kills": [("memload", 0, limit)] if oom else [],
        "at_kswapd_wake": at, "at_kswapd_scan": at, "at_direct": at, "at_swapout": at if swap else None,
        "at_oom": limit + swap if oom else None,
        "pgsteal": excess, "pgscan": 3 * excess, "pswpout": excess if swap else 0, "pswpin": 0,
        "refault_file": 0, "refault_anon": 0, "direct_share": 0.5 if over else None, "futile_stalls": 1,
        "footprint_peak": want, **{name: 0 for name in ZSWAP},
    }
