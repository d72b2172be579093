"""Cases of scripts/robustness about the command itself: signals, closed and full files, limits, a small cgroup, processes that are left
behind, cut traces. Each takes the bench and its expect(), is tried in all modes, and gives the words for its line."""
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

MODES = {"polled": (), "held": ("--tracker", "userfaultfd"), "short": ("--set", "memory=512M")}
TIMES = 20
AWAITS = """import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
def got(s, patience=60): return signal.sigtimedwait([s], patience) is not None
"""
TO_PID = AWAITS + """
for s in list(range(1, 32)) + list(range(signal.SIGRTMIN, signal.SIGRTMAX + 1)):
    if s in (4, 5, 7, 8, 9, 11, 17, 18, 19, 20, 21, 22, 31): continue
    os.kill(os.getppid(), s)
    if not got(s): print('lost', s)
os._exit(5)
"""
TO_GROUP = AWAITS + """
for s in (signal.SIGRTMIN + 1, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    count = 0
    for i in range(2):
        os.kill(0, s)
        while got(s, 0): count += 1
        os.kill(os.getppid(), signal.SIGUSR1); got(signal.SIGUSR1)
        while got(s, 0): count += 1
    print(s, count)
"""


def rounds():
    for mode, options in MODES.items():
        for _ in range(TIMES):
            yield mode, options


def ended(bench, expect, mode, status, *guest, options=(), **how):
    """Runs the guest; its report and the finished process, once status and report were found right."""
    if os.path.exists(bench.report):
        os.unlink(bench.report)
    process = subprocess.run(bench.command(*guest, options=options), capture_output=True, timeout=120, check=False, **how)
    expect(process.returncode == status, f"{mode}: status {process.returncode} for {status}; {process.stderr[-300:]!r}")
    return bench.read_report(), process


def signals(bench, expect):
    for mode, options in rounds():
        _, process = ended(bench, expect, mode, 5, sys.executable, "-c", TO_PID, options=options)
        expect(process.stdout == b"", f"{mode}: {process.stdout!r}")
    return f"every signal to oomcast reached the guest, {TIMES} times in {len(MODES)} modes"


def group_signals(bench, expect):
    for mode, options in rounds():
        _, process = ended(bench, expect, mode, 0, sys.executable, "-c", TO_GROUP, options=options, start_new_session=True)
        counts = re.findall(rb"(\d+) (\d+)\n", process.stdout)
        expect(len(counts) == 4 and all(count == b"2" for _, count in counts), f"{mode}: {process.stdout!r}")
    return "every signal to the process group reached the guest once"


def stderr_gone(bench, expect):
    for mode, options in rounds():
        reader, writer = os.pipe()
        os.close(reader)
        if os.path.exists(bench.report):
            os.unlink(bench.report)
        command = [word for word in bench.command("sh", "-c", "exit 6", options=(*options, "--log-level", "debug")) if word != "--quiet"]
        process = subprocess.run(command, stderr=writer, stdout=writer, timeout=120, check=False)
        os.close(writer)
        expect(process.returncode == 6, f"{mode}: status {process.returncode}")
        bench.read_report()
    return "the guest's status and a report"


def stderr_closed(bench, expect):
    trace = f"{bench.work}/closed.trace"
    for mode, options in rounds():
        command = [word for word in bench.command("sh", "-c", "exit 6", options=(*options, "--trace", trace)) if word != "--quiet"]
        process = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], timeout=120, check=False)
        expect(process.returncode == 6, f"{mode}: status {process.returncode}")
        replayed = subprocess.run([bench.oomcast, "replay", trace, "--quiet", "--report", f"{bench.work}/again.json"], capture_output=True, timeout=120, check=False)
        expect(replayed.returncode == 0, f"{mode}: {replayed.stderr!r}")
    return "the trace holds nothing but the trace"


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))


def file_limit(bench, expect):
    for mode, options in rounds():
        _, process = ended(bench, expect, mode, 6, "sh", "-c", "ulimit -f; exit 6", options=options,
                           preexec_fn=limit_files)
        expect(process.stdout == b"1\n", f"{mode}: the guest's own limit is {process.stdout!r}")
    return "the limit is the guest's, and there is a report"


def left_behind(bench, expect):
    for mode, options in rounds():
        report, process = ended(bench, expect, mode, 0, "sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & echo $!", options=options)
        left = report["coverage"]["still_running"]
        for name in left:
            os.kill(int(re.search(r"pid (\d+)", name)[1]), signal.SIGKILL)
        expect(len(left) == 1, f"{mode}: still running: {left}")
    return "said in the report, and not waited for"


def cut_trace(bench, expect):
    trace, cut = f"{bench.work}/whole.trace", f"{bench.work}/cut.trace"
    ended(bench, expect, "record", 0, bench.guest("worker"), options=("--trace", trace))
    with open(trace, "rb") as file:
        whole = file.read()
    for part in range(1, TIMES + 1):
        with open(cut, "wb") as file:
            file.write(whole[:len(whole) * part // (TIMES + 1)])
        process = subprocess.run([bench.oomcast, "replay", cut, "--fail-on", "oom_kill", "--report", bench.report], capture_output=True, text=True, timeout=120, check=False)
        expect(process.returncode in (2, 3), f"cut at {part}/{TIMES + 1}: status {process.returncode}")
        expect(process.stderr.startswith("oomcast: INCOMPLETE: the trace ends") or "cut before its first block" in process.stderr, process.stderr[:300])
        if process.returncode == 3:
            with open(bench.report) as file:
                expect(json.load(file)["verdict"] is None, "a verdict for half a run")
    return f"{TIMES} cuts are said first, and no gate turns green"


def small_cgroup(bench, expect):
    """The recorder shares a memory cgroup with a guest that needs more than it has."""
    base = "/sys/fs/cgroup/memory" if os.path.isdir("/sys/fs/cgroup/memory") else "/sys/fs/cgroup"
    group = f"{base}/oomcast-robustness-{os.getpid()}"
    try:
        os.mkdir(group)
        limit = f"{group}/memory.limit_in_bytes" if base.endswith("memory") else f"{group}/memory.max"
        with open(limit, "w") as file:
            file.write(str(150 << 20))
    except OSError as error:
        if os.path.isdir(group):
            os.rmdir(group)
        return f"skipped: no memory cgroup can be made here ({error.strerror})"

    def join():
        with open(f"{group}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))
    grow = "kept = []\nfor i in range(400): kept.append(bytearray(b'x') * (1 << 20))"
    try:
        for mode, options in rounds():
            report, _ = ended(bench, expect, mode, 137, sys.executable, "-c", grow, options=options, preexec_fn=join)
            expect(report["exit"]["signal"] == 9, f"{mode}: {report['exit']}")
            expect(report["coverage"]["incomplete"] is not None and report["verdict"] in (None, "oom_kill"), f"{mode}: {report['verdict']}, {report['coverage']['incomplete']}")
    finally:
        for _ in range(50):
            try:
                os.rmdir(group)
                break
            except OSError:
                time.sleep(0.1)
    return "the guest is stopped, and the report says why"


CASES = {"signals": signals, "group-signals": group_signals, "stderr-gone": stderr_gone, "stderr-closed": stderr_closed, "file-limit": file_limit,
         "left-behind": left_behind, "cut-trace": cut_trace, "small-cgroup": small_cgroup}
