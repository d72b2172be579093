"""Fails when the memory behaviour of a program gets worse than its budget."""
import subprocess


def run_as_on(host, report, *command):
    subprocess.run(["oomcast", "run", "--quiet", "--host", host, "--report", report, "--", *command], check=True)


def test_memory_stays_within_its_budget(tmp_path):
    report = str(tmp_path / "run.json")
    run_as_on("vm-1g", report, "./fill")
    check = subprocess.run(["oomcast", "check", report, "--budget", "memory-budget.yaml"], stdout=subprocess.PIPE, text=True)
    assert check.returncode == 0, check.stdout
