"""Reads a case description, fills in the defaults and complains about what it does not know."""
import json

from machine.kernels import MachineError

DEFAULTS = {
    "kernel": "6.1", "flavour": "cloud", "cpus": 2, "limit_s": 150, "append": "transparent_hugepage=never", "root": "disk",
    "nodes": None, "node_cpus": None, "distances": None, "swap_mb": 0, "swap_iops": 0, "swaps": [], "disk_mb": 0,
    "disk_iops": 0, "locked_mb": 0, "sysctl": {}, "write": {}, "zram_mb": 0, "cgroup": {},
    "cgroup_parent": {}, "prepare": [], "setup": [], "warm": [], "bg": [], "run": None, "beside": [], "host": {},
    "files": [], "content": {}, "membind": "", "preferred": "", "interleave": "", "why": "",
}


def node_cpus_in_turns(nodes, cpus):
    return [[cpu for cpu in range(cpus) if cpu % nodes == node] for node in range(nodes)]


def node_of_cpu(case, cpu):
    """The node that a CPU of the guest is on; the case may be one without its defaults."""
    nodes = len(case.get("nodes") or [0])
    node_cpus = case.get("node_cpus") or node_cpus_in_turns(nodes, max(case.get("cpus", DEFAULTS["cpus"]), cpu + 1))
    return next((node for node, cpus in enumerate(node_cpus) if cpu in cpus), 0)


def read_case(path):
    """The case at `path`, complete. REQUIRES (checked): nodes, run."""
    try:
        with open(path) as file:
            given = json.load(file)
    except (OSError, ValueError) as error:
        raise MachineError(f"{path}: {error}") from None
    unknown = [key for key in given if key not in DEFAULTS]
    if unknown:
        raise MachineError(f"{path}: unknown key {unknown[0]!r}; a case may say: {', '.join(DEFAULTS)}")
    case = {**DEFAULTS, **given}
    if not case["nodes"] or not case["run"]:
        raise MachineError(f"{path}: a case needs nodes (MiB each, e.g. [512]) and run (e.g. [[0, \"memload ...\"]])")
    count = len(case["nodes"])
    if case["node_cpus"] is None:
        case["node_cpus"] = node_cpus_in_turns(count, case["cpus"])
    if case["distances"] is None:
        case["distances"] = [[10 if a == b else 20 for b in range(count)] for a in range(count)]
    if len(case["node_cpus"]) != count or sorted(sum(case["node_cpus"], [])) != list(range(case["cpus"])):
        raise MachineError(f"{path}: node_cpus must put each of the {case['cpus']} CPUs on one of the {count} nodes")
    if [len(row) for row in case["distances"]] != [count] * count:
        raise MachineError(f"{path}: distances must be {count} rows of {count}")
    if case["cgroup_parent"] and not case["cgroup"]:
        raise MachineError(f"{path}: cgroup_parent needs a cgroup within it, e.g. "
                           "\"cgroup\": {\"memory.max\": \"max\"}")
    if case["swap_mb"]:
        case["swaps"] = [{"mb": case["swap_mb"], "iops": case["swap_iops"]}, *case["swaps"]]
    return case


# Files of cgroup v1's memory controller; a case that writes one of them runs with v1.
FILES_OF_V1 = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes",
               "memory.swappiness", "memory.oom_control")


def job_text(case):
    """The job file for the guest's PID 1: one `key first rest` a line."""
    lines = [f"sampler_cpu {case['cpus'] - 1}", f"limit_s {case['limit_s']}", f"root {case['root']}",
             f"locked_mb {case['locked_mb']}", f"zram_mb {case['zram_mb']}"]
    lines += [f"sysctl {key} {value}" for key, value in case["sysctl"].items()]
    lines += [f"write {path} {value}" for path, value in case["write"].items()]
    if any(file in FILES_OF_V1 for file in (*case["cgroup"], *case["cgroup_parent"])):
        lines.append("cgroup_version 1")
    lines += [f"cgroup_parent {file} {value}" for file, value in case["cgroup_parent"].items()]
    lines += [f"cgroup {file} {value}" for file, value in case["cgroup"].items()]
    lines += [f"swap {index} {swap.get('priority', -1)}" for index, swap in enumerate(case["swaps"])]
    lines += [f"setup 0 {command}" for command in case["setup"]]
    lines += [f"warm 0 {command}" for command in case["warm"]]
    lines += [f"bg {adjust} {command}" for adjust, command in case["bg"]]
    lines += [f"policy {mode if mode != 'membind' else 'bind'} {case[mode]}"
              for mode in ("membind", "preferred", "interleave") if case[mode]]
    lines += [f"run {adjust} {command}" for adjust, command in case["run"]]
    lines += [f"beside {adjust} {command}" for adjust, command in case["beside"]]
    for line in lines:
        if "\n" in line:
            raise MachineError(f"a line break in a command or value: {line!r}")
    return "".join(line + "\n" for line in lines)
