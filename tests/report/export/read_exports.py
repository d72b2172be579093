#!/usr/bin/python3
"""Reads each export of a report with a reader that is not ours, and compares what it finds with the report.

  read_exports.py REPORT FOLDED SPEEDSCOPE PPROF PERFETTO OPENMETRICS CSV SPEEDSCOPE_SCHEMA

Exit status: 0 all of them agree, 1 one does not (named on stderr), 77 a reader is not installed.
"""
import csv
import gzip
import json
import re
import subprocess
import sys

PPROF_PROTO = "/usr/share/gocode/src/github.com/google/pprof/proto"


def equal(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {got!r}, expected {expected!r}")


def total(report, key):
    return sum(site[key] for site in report["sites"])


def read_folded(path, report):
    lines = open(path, encoding="utf-8").read().splitlines()
    weights = [int(re.fullmatch(r"[^ ].* (\d+)", line)[1]) for line in lines]
    equal("folded: bytes", sum(weights), total(report, "resident_bytes_peak"))
    equal("folded: stacks that come twice", len(lines) - len({line.rsplit(" ", 1)[0] for line in lines}), 0)


def read_speedscope(path, report, schema):
    import jsonschema
    document = json.load(open(path, encoding="utf-8"))
    jsonschema.validate(document, json.load(open(schema, encoding="utf-8")))
    frames = len(document["shared"]["frames"])
    for profile, key in zip(document["profiles"], ("resident_bytes_peak", "touched_bytes")):
        equal(f"speedscope: {key}", sum(profile["weights"]), total(report, key))
        equal("speedscope: samples", len(profile["samples"]), len(profile["weights"]))
        equal("speedscope: frames out of range", [f for s in profile["samples"] for f in s if not 0 <= f < frames], [])


def read_pprof(path, report):
    """By protoc and Google's own profile.proto; then the rules that pprof's Profile.CheckValid() has."""
    raw = gzip.decompress(open(path, "rb").read())
    decoded = subprocess.run(["protoc", "--decode=perftools.profiles.Profile", f"-I{PPROF_PROTO}", "profile.proto"],
                             input=raw, stdout=subprocess.PIPE, check=True).stdout.decode()
    equal("pprof: unknown fields", re.findall(r"^\s*\d+[:{ ].*", decoded, re.M), [])
    strings = re.findall(r'^string_table: "(.*)"$', decoded, re.M)
    equal("pprof: string 0", strings[0], "")
    types = [strings[int(t)] for t in re.findall(r"^sample_type \{\n  type: (\d+)", decoded, re.M)]
    equal("pprof: sample types", types, ["touched", "resident"])
    samples = re.findall(r"^sample \{\n(.*?)^\}", decoded, re.M | re.S)
    values = [[int(v) for v in re.findall(r"^  value: (\d+)", sample, re.M)] for sample in samples]
    equal("pprof: touched", sum(v[0] for v in values), total(report, "touched_bytes"))
    equal("pprof: resident", sum(v[1] for v in values), total(report, "resident_bytes_peak"))
    ids = lambda what: re.findall(rf"^{what} \{{\n  id: (\d+)", decoded, re.M)
    for used, known in (("location_id", "location"), ("function_id", "function")):
        equal(f"pprof: {known}s that come twice", len(ids(known)) - len(set(ids(known))), 0)
        equal(f"pprof: {used} that nothing has", set(re.findall(rf"{used}: (\d+)", decoded)) - set(ids(known)), set())
    indices = [int(i) for i in re.findall(r"(?:name|filename|str|key|type|unit|comment): (\d+)", decoded)]
    equal("pprof: strings out of range", [i for i in indices if i >= len(strings)], [])


def read_perfetto(path, report):
    """By the rules of the Trace Event Format document: which phase needs which members."""
    document = json.load(open(path, encoding="utf-8"))
    needed = {"C": {"name", "pid", "ts", "args"}, "i": {"name", "pid", "tid", "ts", "s"}, "M": {"name", "pid", "args"},
              "X": {"name", "pid", "tid", "ts", "dur"}}
    for event in document["traceEvents"]:
        equal("perfetto: members missing", needed[event["ph"]] - set(event), set())
        if event["ph"] == "C":
            equal("perfetto: counters that are no numbers",
                  [v for v in event["args"].values() if isinstance(v, bool) or not isinstance(v, (int, float))], [])
    free = [e["args"]["node0"] for e in document["traceEvents"] if e["name"] == "free memory (bytes)"]
    equal("perfetto: free memory", free, report["timeline"]["node_free_bytes"]["node0"])
    first = {e["name"]: e["ts"] for e in reversed(document["traceEvents"]) if e["ph"] == "i"}
    for name, incident in report["first"].items():
        if incident:
            equal(f"perfetto: {name}", first[name], round(incident["t_s"] * 1e6))


def read_openmetrics(path, report):
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    samples = {}
    for family in text_string_to_metric_families(open(path, encoding="utf-8").read()):
        for sample in family.samples:
            samples[(sample.name, *sorted(sample.labels.items()))] = sample.value
    equal("openmetrics: footprint", samples[("oomcast_app_footprint_peak_bytes",)], report["app"]["footprint_peak_bytes"])
    equal("openmetrics: verdict", samples[("oomcast_verdict", ("oomcast_verdict", report["verdict"]))], 1)
    for name, value in report["counters"].items():
        if name != "memcg":
            equal(f"openmetrics: {name}", samples[("oomcast_vmstat", ("counter", name))], value)


def read_csv(path, report):
    rows = list(csv.DictReader(open(path, encoding="utf-8", newline="")))
    timeline = report["timeline"]
    equal("csv: rows", len(rows), len(timeline["t_s"]))
    for key in ("t_s", "swap_used_bytes", "pgscank_s", "kswapd_cpu_share"):
        equal(f"csv: {key}", [float(row[key]) for row in rows], timeline[key])
    equal("csv: free", [int(row["node_free_bytes.node0"]) for row in rows], timeline["node_free_bytes"]["node0"])


def main():
    report_path, folded, speedscope, pprof, perfetto, openmetrics, table, schema = sys.argv[1:]
    report = json.load(open(report_path, encoding="utf-8"))
    try:
        read_folded(folded, report)
        read_perfetto(perfetto, report)
        read_csv(table, report)
        read_speedscope(speedscope, report, schema)
        read_openmetrics(openmetrics, report)
        read_pprof(pprof, report)
    except (ImportError, FileNotFoundError) as missing:
        print(f"a reader is not installed (scripts/install_deps): {missing}", file=sys.stderr)
        sys.exit(77)


main()
