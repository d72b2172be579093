"""Makes the reports that the browser tests show: a written-out one with a run in it, a hostile one, a sweep."""
import copy
import json
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
# Text that is harmful if it is ever taken for markup, a URL, or a part of a script.
HOSTILE = ["<script>window.hurt=1</script>", "<img src=x onerror='window.hurt=2'>", "</script><svg onload=window.hurt=3>",
           "javascript:window.hurt=4", "\"'><b>bold</b>", "\u202egnp.exe", "{{7*7}}", "&lt;b&gt;", "a\u0000b\u001b[31m"]


def golden():
    """The approved report of the C++ tests, with the long parts that it leaves out."""
    with open(os.path.join(HERE, "..", "goldens", "oom.report.json"), encoding="utf-8") as file:
        made = json.load(file)
    made["first"] = {key: made["first"].get(key)
                     for key in ("kswapd_wake", "kswapd_scan", "direct_reclaim", "swap_out", "alloc_refused", "oom_kill")}
    made["findings"] = [
        {"id": "oom_kill", "severity": "error", "title": "The OOM killer takes redis-server (pid 812) at 8.32 s", "why": "it scores most",
         "evidence": {"t_s": 8.322, "victim_pid": 812, "more_bytes": 312957501, "assumed": ["zones"]}, "try": []}]
    made["counters"] = {"pgfault": 465120, "pgscan_kswapd": 0, "oom_kill": 1,
                        "memcg": {"memory.peak": None, "memory.events": {"oom": 0}, "memory.stat": {"anon": None}}}
    made["basis"] = {"verdict": {"rests_on": "modelled", "why": "one simulation of the host, one seed"}}
    return made


def timeline(nodes, rows=600, length_s=60.0):
    """Memory fills up steadily; kswapd begins at two thirds of the run."""
    part = [i / (rows - 1) for i in range(rows)]
    late = [min(1.0, max(0.0, p - 0.66) * 3) for p in part]
    columns = {"t_s": [round(p * length_s, 6) for p in part],
               "node_free_bytes": {f"node{n}": [int((900 - 850 * p + 20 * n) * MIB) for p in part] for n in range(nodes)}}
    columns["active_anon_bytes"] = [int(600 * p) * MIB for p in part]
    columns["inactive_anon_bytes"] = [int(200 * p) * MIB for p in part]
    columns["active_file_bytes"] = [30 * MIB] * rows
    columns["inactive_file_bytes"] = [int(100 * (1 - l)) * MIB for l in late]
    columns["swap_used_bytes"] = [int(64 * l) * MIB for l in late]
    columns["dirty_bytes"] = [int(8 * abs(math.sin(9 * p))) * MIB for p in part]
    columns["writeback_bytes"] = [0] * rows
    columns["pgscank_s"] = [int(20000 * l) for l in late]
    columns["pgscand_s"] = [int(900 * l) for l in late]
    columns["pgsteal_s"] = [int(15000 * l) for l in late]
    columns["kswapd_cpu_share"] = [round(l / 5, 3) for l in late]
    columns["pressure_some_share"] = [round(l / 4, 3) for l in late]
    return columns


def report(nodes=2):
    """A long run on `nodes` nodes that ends with a kill: each part of the page has something to show."""
    made = golden()
    node = made["host"]["nodes"][0]
    made["host"]["nodes"] = [dict(copy.deepcopy(node), node=n) for n in range(nodes)]
    made["bands"] = {f"node{n}": {"above_high_s": 50.5, "high_to_low_s": 5.25, "low_to_min_s": 3.0, "below_min_s": 1.25}
                     for n in range(nodes)}
    made["timeline"] = timeline(nodes)
    kill = made["first"]["oom_kill"]
    for key, t in (("kswapd_wake", 40.0), ("kswapd_scan", 40.0), ("direct_reclaim", 48.5), ("swap_out", 44.25), ("oom_kill", 58.0)):
        made["first"][key] = dict(copy.deepcopy(kill), t_s=t)
    made["oom_kills"][0]["t_s"] = 58.0
    made["sites"] = [
        {"kind": "heap", "stack": ["alloc at pool.c:7 (inlined)", "parse_config at config.c:812", "main at main.c:5"],
         "touched_bytes": 400 * MIB, "resident_bytes_peak": 300 * MIB, "share": 0.5},
        {"kind": "heap", "stack": ["grow at table.c:77", "main at main.c:9"],
         "touched_bytes": 240 * MIB, "resident_bytes_peak": 100 * MIB, "share": 0.3},
        {"kind": "mmap", "stack": ["map_file at map.c:1", "main at main.c:11"],
         "touched_bytes": 80 * MIB, "resident_bytes_peak": 80 * MIB, "share": 0.1},
        {"kind": "unsampled", "stack": [], "touched_bytes": 80 * MIB, "resident_bytes_peak": 20 * MIB, "share": 0.1}]
    made["moments"] = [moment(*each) for each in (
        ("start", 0.0, [0, 0, 0, 0]), ("kswapd_wake", 40.0, [200, 60, 80, 10]), ("swap_out", 44.25, [240, 60, 80, 10]),
        ("peak", 55.0, [300, 90, 80, 20]), ("oom_kill", 58.0, [280, 100, 80, 20]))]
    made["findings"][0]["try"] = [
        {"change": "memory.max=700M", "proven": True, "verdict_after": "background_reclaim",
         "settings": ["cgroup.memory.max=734003200"], "smallest": 734003200, "below": 732954624, "verdict_below": "oom_kill",
         "cost": {"held_back_bytes": 0, "dies": ["postgres"],
                  "before": {"stall_ns_total": 1_830_000, "forecast_s": 10.5, "pswpin": 0, "pswpout": 0, "workingset_refault_file": 0},
                  "after": {"stall_ns_total": 12_000_000, "forecast_s": 10.6, "pswpin": 0, "pswpout": 256, "workingset_refault_file": 0}},
         "extrapolated": "2 of 9 pages were not watched", "not_simulated": None},
        {"change": "swap of 64M", "proven": False, "verdict_after": "oom_kill"},
        {"change": "a smaller cache", "proven": None, "verdict_after": None}]
    return made


def moment(name, t_s, mib_by_site):
    """What the page reads of an entry of `moments`."""
    return {"name": name, "t_s": t_s, "app_footprint_bytes": sum(mib_by_site) * MIB,
            "site_resident_bytes": [mib * MIB for mib in mib_by_site]}


def in_a_cgroup():
    """The same run in a group of 512 MiB below one without a limit of its own and one with."""
    made = report(1)
    made["host"]["cgroups"] = [{"path": "/pod/app", "max_bytes": 512 * MIB, "high_bytes": 480 * MIB},
                               {"path": "/pod", "max_bytes": None, "high_bytes": None}]
    used = [int(511 * MIB * i / 599) for i in range(600)]
    made["timeline"]["cgroup_usage_bytes"] = {"/pod/app": used, "/pod": [2 * one for one in used]}
    return made


def with_services():
    """Two services of a Kubernetes node; the kubelet ends one."""
    made = in_a_cgroup()
    stall = {"direct_reclaim_ns_total": 0, "swap_in_ns_total": 0, "throttled_ns_total": 0, "longest_ns": 0,
             "memory_high_ns_total": 0, "total_ns": 2_500_000_000}
    one = {"name": "web", "trace": "web.trace", "command": ["web"], "start_s": 0.0, "last_event_s": 58.0, "ended": "exited",
           "exit": {"code": 0, "signal": None}, "oom_kills": 0, "killed_at_s": None, "killed": None, "evicted_at_s": None,
           "stuck_at_s": None, "cgroup": "/pod/web", "cgroup_peak_bytes": 300 * MIB, "touched_bytes": 300 * MIB,
           "footprint_peak_bytes": 290 * MIB, "processes": 1, "stall_ns": 2_500_000_000, "stall": stall, "direct_reclaims": 7,
           "swap_out_pages": 10, "swap_in_pages": 3, "taken_by": [{"service": "job", "pages": 512}, {"service": None, "pages": 256}]}
    made["services"] = [one, dict(copy.deepcopy(one), name="job", ended="evicted", evicted_at_s=20.0, taken_by=[])]
    made["evictions"] = [{"t_s": 20.0, "available_bytes": 90 * MIB, "threshold_bytes": 100 * MIB, "ranked": [
        {"service": "job", "usage_bytes": 200 * MIB, "request_bytes": 0, "priority": 0},
        {"service": "web", "usage_bytes": 290 * MIB, "request_bytes": 300 * MIB, "priority": 5}]}]
    return made


def of_an_older_version():
    """Without the keys that later versions added."""
    made = report(1)
    made["moments"] = []
    made["host"].pop("cgroups", None)
    made["timeline"].pop("cgroup_usage_bytes", None)
    return made


def hostile():
    """Every string of the report is harmful text, but for the words that the schema fixes."""
    fixed = {"schema", "lru", "verdict", "verdict_after", "severity", "kind", "scope", "zone", "rests_on", "id"}
    counter = iter(range(10**9))

    def spoil(value, key=""):
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        if isinstance(value, str) and key not in fixed:
            return HOSTILE[next(counter) % len(HOSTILE)]
        return value
    return spoil(with_services())


def sweep():
    verdicts = ["oom_kill", "direct_reclaim", "background_reclaim", "fits"]
    rows = []
    for i, memory in enumerate(["512M", "1G", "2G", "4G"]):
        for swappiness in ("0", "60"):
            rows.append({
                "vary": {"memory": memory, "vm.swappiness": swappiness}, "error": None, "verdict": verdicts[i],
                "extrapolated": i == 1, "on_the_edge": False, "forecast_s": 12.5, "footprint_peak_bytes": 700 * MIB,
                "first": {"kswapd_wake": None, "direct_reclaim": None, "swap_out": None, "alloc_refused": None, "oom_kill": None},
                "victim": "server" if i == 0 else None,
                "stall": {"direct_reclaim_ns_total": 0, "swap_in_ns_total": 0, "throttled_ns_total": 0, "longest_ns": 0,
                          "memory_high_ns_total": 0, "total_ns": (3 - i) * 250_000_000},
                "counters": {"pswpin": 10 * (3 - i), "pswpout": 2560 * (3 - i)}})
    return {"schema": "oomcast.sweep.v1", "incomplete": None, "rows": rows}
