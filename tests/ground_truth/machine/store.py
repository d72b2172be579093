"""Keeps the runs of a case in one folder: the host, what the kernel did in each run, and what shows it.

  host.snapshot    the machine just before run 1, for `--host`
  outcomes.json    what the kernel did, one object a run
  vmstat.tsv.gz    the counters on the way, of run 1
  evidence.txt     dmesg/N: the lines about kills; after/...: the cgroups' files and the nodes' numastat, of run 1

A folder of the form that DESIGN section 7 describes (host/, N/outcome.json) is read as well.
"""
import glob
import json
import os

from machine.packed import sections, snapshot, unpack


def text_of(data):
    return data.decode("utf-8", "surrogateescape")


def below(results, prefix):
    """{path: text} of the results whose names begin with the prefix."""
    return {name[len(prefix):]: text_of(data) for name, data in results.items() if name.startswith(prefix)}


def write(path, text):
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def store_host(directory, files):
    write(f"{directory}/host.snapshot", snapshot(files))


def store_outcomes(directory, outcomes):
    write(f"{directory}/outcomes.json", json.dumps(outcomes, indent=1) + "\n")


def store_evidence(directory, files):
    if files:
        write(f"{directory}/evidence.txt", sections(files))


def outcomes_in(directory):
    """The runs of a case, in their order; none if it was not recorded."""
    if os.path.exists(f"{directory}/outcomes.json"):
        return json.loads(read(f"{directory}/outcomes.json"))
    return [json.loads(read(path)) for path in sorted(glob.glob(f"{directory}/[0-9]*/outcome.json"))]


def host_in(directory):
    """What `--host` takes for this case."""
    packed = f"{directory}/host.snapshot"
    return packed if os.path.exists(packed) else f"{directory}/host"


def meminfo_of(host):
    """The text of the host's proc/meminfo."""
    return read(f"{host}/proc/meminfo") if os.path.isdir(host) else unpack(read(host))["proc/meminfo"]
