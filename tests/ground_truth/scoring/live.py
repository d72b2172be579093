"""Forecasts a case by running the case's command under oomcast: the capture's column of the table."""
import os
import re
import shutil
import signal
import subprocess
import tempfile

from machine.cases import node_of_cpu
from scoring.facts import report_facts

WORKLOAD_DIRECTORY = "/data"  # the cases' commands name it


def limits(case):
    """Of the program's cgroup; where a group around it is tighter, that group's (the command line knows one group)."""
    merged = dict(case.get("cgroup", {}))
    for file, value in case.get("cgroup_parent", {}).items():
        merged[file] = min(value, merged.get(file, "max"), key=lambda text: (text == "max", int(text) if text != "max" else 0))
    return merged


class LiveRuns:
    """Runs cases under `oomcast`, with memload on PATH and an empty /data, which is emptied again after each."""

    def __init__(self, oomcast, memload_source, limit_s):
        self.oomcast, self.limit_s = os.path.abspath(oomcast), limit_s
        if os.path.isdir(WORKLOAD_DIRECTORY) and os.listdir(WORKLOAD_DIRECTORY):
            raise RuntimeError(f"{WORKLOAD_DIRECTORY} is not empty; the cases write there and it is emptied after each: "
                               "move what is in it")
        self.made_directory = not os.path.isdir(WORKLOAD_DIRECTORY)
        os.makedirs(WORKLOAD_DIRECTORY, exist_ok=True)
        self.programs = tempfile.mkdtemp(prefix="oomcast-score.")
        subprocess.run(["gcc", "-O2", "-w", "-o", f"{self.programs}/memload", memload_source], check=True)
        self.environment = dict(os.environ, PATH=f"{self.programs}:{os.environ['PATH']}")

    def close(self):
        shutil.rmtree(self.programs)
        if self.made_directory:
            os.rmdir(WORKLOAD_DIRECTORY)

    def forecast(self, case, host, report):
        """Facts of the report, or a sentence on why there is none."""
        try:
            return self.prepare(case) or self.run(case, host, report)
        finally:
            for entry in os.scandir(WORKLOAD_DIRECTORY):
                shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)

    def prepare(self, case):
        for path, text in case.get("content", {}).items():
            with open(path, "w") as file:
                file.write(text)
        for command in (command for key in ("prepare", "setup", "warm") for command in case.get(key, [])):
            done = subprocess.run(["sh", "-c", command], cwd=WORKLOAD_DIRECTORY, env=self.environment,
                                  capture_output=True, text=True)
            if done.returncode:
                return f"preparing failed: {command}: {done.stderr.strip()}"
        return None

    def run(self, case, host, report):
        adjust, command = case["run"][0]
        options = ["--host", host, "--report", report]
        options += [word for file, value in limits(case).items() for word in ("--cgroup", f"{file}={value}")]
        pinned = re.search(r"taskset (\w+) ", command)
        if pinned:
            options += ["--cpu-node", str(node_of_cpu(case, int(pinned[1], 16).bit_length() - 1))]
        options += ["--oom-score-adj", str(adjust)] if adjust else []
        options += [word for policy in ("membind", "interleave", "preferred") if policy in case
                    for word in (f"--{policy}", case[policy])]
        run = subprocess.Popen([self.oomcast, "run", "--prove", "0", *options, "--", "sh", "-c", command], env=self.environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            errors = run.communicate(timeout=self.limit_s)[1]
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            return f"no end within {self.limit_s} s"
        if not os.path.exists(report):
            return f"exit {run.returncode}, no report: " + (errors.strip().splitlines() or [""])[-1]
        return report_facts(report)
