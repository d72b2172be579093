"""The real programs that oomcast is measured with: how each is prepared, run, timed and watched from outside.

Used by bench_overhead and coverage_check. A program runs natively when `prefix` is empty and under oomcast when it is
that command line; everything else is the same for both.
"""
import atexit
import getpass
import glob
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

from group_sampler import GroupSampler, MemoryGroup
from pss_sampler import PssSampler

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GUEST_SOURCES = f"{ROOT}/tests/bench"


class Run:
    """What one run gave: seconds (or seconds per unit of work), its output's digest, status and sampled peak."""

    def __init__(self, seconds, output, status, peak_bytes):
        self.seconds, self.output, self.status, self.peak_bytes = seconds, output, status, peak_bytes


def digest(*parts):
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part if isinstance(part, bytes) else part.encode())
    return sha.hexdigest()[:16]


class PeakSampler:
    """Peak RssAnon + RssShmem of a process and its descendants, taken at one time by tests/bench/peak_rss; recorder and ring left out."""

    binary = None

    @classmethod
    def build(cls):
        if cls.binary is None:
            cls.binary = os.path.join(tempfile.mkdtemp(prefix="peak_rss."), "peak_rss")
            atexit.register(shutil.rmtree, os.path.dirname(cls.binary), ignore_errors=True)
            subprocess.run(["g++", "-std=c++20", "-O2", "-o", cls.binary, f"{GUEST_SOURCES}/peak_rss.cc"], check=True)
        return cls.binary

    def __init__(self, pid, leave_out_root):
        command = [self.build(), str(pid), *(["--descendants-only"] if leave_out_root else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self):
        return int(self.process.communicate()[0])


def sampler_for(sample, pid, leave_out_root):
    """`sample`: the MemoryGroup that the program runs in, "once" for a PssSampler, else a PeakSampler if it is true."""
    if not sample:
        return None
    if isinstance(sample, MemoryGroup):
        return GroupSampler(sample)
    return PssSampler(pid, leave_out_root) if sample == "once" else PeakSampler(pid, leave_out_root)


# A sampler that reads every 2 ms does not see the last megabytes of a program that fills a gigabyte per second and ends:
# where only the peak is asked for, not the time, such a program waits at it.
PAUSE_AT_PEAK_S = 0.05


def execute(command, prefix, sample, cwd, standard_input=None, limit=600):
    """Runs prefix + command to its end."""
    begin = time.monotonic()
    process = subprocess.Popen(prefix + command, cwd=cwd, stdin=subprocess.PIPE if standard_input else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                               env=dict(os.environ, LC_ALL="C"))
    sampler = sampler_for(sample, process.pid, bool(prefix))
    try:
        output = process.communicate(standard_input, timeout=limit)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
    seconds = time.monotonic() - begin
    return Run(seconds, output, process.returncode, sampler.stop() if sampler else 0)


class Program:
    name = ""
    needs = ()          # executables
    exact_peak = True   # the same peak in each run: the tracked peak is compared with that of the native run

    def prepare(self, work):
        """Makes the input files, once."""

    def run(self, work, prefix, sample=False):
        raise NotImplementedError

    def missing(self):
        return [need for need in self.needs if not shutil.which(need)]


class Python300M(Program):
    name = "python3, 300 MB"
    # What a user of Debian has; the one on PATH may be a shim of a dozen shells.
    PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
    needs = (PYTHON,)

    def run(self, work, prefix, sample=False):
        code = "a=[bytearray(b'x')*1000000 for _ in range(300)]\nprint(len(a), sum(map(len, a)))"
        code += f"\nimport time; time.sleep({PAUSE_AT_PEAK_S})" if sample else ""
        result = execute([self.PYTHON, "-c", code], prefix, sample, work)
        result.output = digest(result.output)
        return result


class PyenvShim(Python300M):
    """The same where python3 on PATH is a script of pyenv's: a dozen short shells before the interpreter starts."""
    name = "pyenv shim, 300 MB"
    PYTHON = f"{os.environ.get('PYENV_ROOT', os.path.expanduser('~/.pyenv'))}/shims/python3"
    needs = (PYTHON,)


class ShortProcesses(Program):
    name = "short processes, 300"
    needs = ("bash",)
    exact_peak = False   # each is gone before the next sample

    def run(self, work, prefix, sample=False):
        result = execute(["bash", "-c", "for i in {1..300}; do /bin/true; done; echo done"], prefix, sample, work)
        result.output = digest(result.output)
        return result


class RedisBenchmark(Program):
    name = "redis-benchmark"
    needs = ("redis-server", "redis-cli", "redis-benchmark")

    def run(self, work, prefix, sample=False):
        socket = f"{work}/redis.sock"
        if os.path.exists(socket):
            os.unlink(socket)
        server = subprocess.Popen(prefix + ["redis-server", "--save", "", "--appendonly", "no", "--port", "0",
                                            "--unixsocket", socket, "--enable-debug-command", "yes"], cwd=work,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True)
        sampler = sampler_for(sample, server.pid, bool(prefix))

        def client(*words):
            done = subprocess.run(["redis-cli", "-s", socket, *words], capture_output=True, text=True)
            return done.stdout.strip()

        until = time.monotonic() + 30
        while client("ping") != "PONG" and time.monotonic() < until and server.poll() is None:
            time.sleep(0.05)
        begin = time.monotonic()
        subprocess.run(["redis-benchmark", "-s", socket, "-q", "-t", "set,get", "-n", "150000", "-r", "1000000000",
                        "-d", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        seconds = time.monotonic() - begin
        # Which keys the benchmark drew is chance; that it has as many as it should and answers is not.
        answers = [client("set", "marker", "42"), client("get", "marker"), str(int(client("dbsize") or 0) > 100000)]
        client("shutdown", "nosave")
        try:
            status = server.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            status = server.wait()
        return Run(seconds, digest(*answers), status, sampler.stop() if sampler else 0)


class Gcc(Program):
    name = "gcc -O2"
    needs = ("gcc",)
    FUNCTIONS = 500

    def prepare(self, work):
        draw = random.Random(1)
        with open(f"{work}/large.c", "w") as file:
            for i in range(self.FUNCTIONS):
                body = "\n".join(f"  if (x > {draw.randrange(1000)}) y += x * {draw.randrange(1, 99)} + t[{draw.randrange(64)}];"
                                 for _ in range(12))
                file.write(f"int f{i}(int x, const int* t) {{\n  int y = {i};\n  for (int i = 0; i < x; ++i) {{\n{body}\n  }}\n  return y;\n}}\n")

    def run(self, work, prefix, sample=False):
        result = execute(["gcc", "-O2", "-c", "large.c", "-o", "large.o"], prefix, sample, work)
        with open(f"{work}/large.o", "rb") as file:
            result.output = digest(result.output, file.read())
        os.unlink(f"{work}/large.o")
        return result


class Sqlite(Program):
    name = "sqlite3 :memory:"
    needs = ("sqlite3",)

    def run(self, work, prefix, sample=False):
        script = b"""create table t(a integer, b text);
            with recursive n(i) as (select 1 union all select i+1 from n where i < 700000)
              insert into t select i*7919 % 1000003, printf('row %d of a table in memory', i) from n;
            create index ta on t(a); create index tb on t(b);
            select count(*), sum(a), max(b) from t;\n"""
        result = execute(["sqlite3", ":memory:"], prefix, sample, work, standard_input=script)
        result.output = digest(result.output)
        return result


class Sort(Program):
    name = "sort, 120 MB"
    needs = ("sort",)

    def prepare(self, work):
        draw = random.Random(2)
        with open(f"{work}/lines", "w") as file:
            for _ in range(120):
                file.write("".join(f"{draw.getrandbits(160):040x} {draw.getrandbits(80):020x}\n" for _ in range(16000)))

    def run(self, work, prefix, sample=False):
        result = execute(["sort", "-S", "400M", "lines", "-o", "sorted"], prefix, sample, work)
        with open(f"{work}/sorted", "rb") as file:
            result.output = digest(result.output, file.read())
        os.unlink(f"{work}/sorted")
        return result


class StressNg(Program):
    needs = ("stress-ng",)
    exact_peak = False   # its workers map and unmap all the time
    stressor, options, seconds = "vm", ("--vm", "2", "--vm-bytes", "256M"), 5

    def __init__(self, stressor="vm", options=None, seconds=5):
        if options:
            self.stressor, self.options, self.seconds = stressor, options, seconds
        self.name = f"stress-ng {self.stressor}"

    def run(self, work, prefix, sample=False):
        command = ["stress-ng", *self.options, "--verify", "--no-rand-seed", "-t", str(self.seconds), "--metrics-brief", "--log-file", f"{work}/stress.log"]
        result = execute(command, prefix, sample, work)
        log = ""
        if os.path.exists(f"{work}/stress.log"):
            with open(f"{work}/stress.log") as file:
                log = file.read()
            os.unlink(f"{work}/stress.log")
        found = re.search(rf"\b{self.stressor}\s+(\d+)\s", log)
        operations = int(found[1]) if found else 0
        result.seconds = 5e6 / operations if operations else float("nan")   # it runs for 5 s: count what it managed
        # Process ids, times and counts are others in each run; what its checks found must not be.
        complaints = sorted(re.sub(r"\[\d+\]", "", line) for line in log.splitlines() if " fail:" in line or " error:" in line)
        result.output = digest(str(operations > 0), *complaints)
        return result


class Node(Program):
    name = "node, 400,000 objects"
    needs = ("node",)
    exact_peak = False   # the collector runs by the clock

    def run(self, work, prefix, sample=False):
        script = ("const kept = new Map(); for (let i = 0; i < 400000; ++i) kept.set('key' + i, {number: i, text: 'value ' + i});"
                  "let sum = 0; for (const [k, v] of kept) sum += v.number + v.text.length; console.log(sum)")
        result = execute(["node", "-e", script], prefix, sample, work)
        result.output = digest(result.output)
        return result


class Java(Program):
    name = "java, parallel GC"
    needs = ("java", "javac")
    exact_peak = False
    SOURCE = """public class Work { public static void main(String[] a) { long sum = 0; java.util.HashMap<Integer, String> kept =
        new java.util.HashMap<>(); for (int i = 0; i < 600000; ++i) { kept.put(i, "value " + i); if (i % 3 == 0) kept.remove(i / 2); }
        for (String s : kept.values()) sum += s.length(); System.out.println(sum); } }"""

    def prepare(self, work):
        with open(f"{work}/Work.java", "w") as file:
            file.write(self.SOURCE)
        subprocess.run(["javac", "-d", work, f"{work}/Work.java"], check=True)

    def run(self, work, prefix, sample=False):
        result = execute(["java", "-Xms64m", "-Xmx256m", "-XX:+UseParallelGC", "-cp", work, "Work"], prefix, sample, work)
        result.output = digest(result.output)
        return result


class Postgres(Program):
    name = "postgres with pgbench"
    needs = ("pgbench", "setpriv")
    exact_peak = False   # autovacuum and checkpoints come by the clock
    USER = "postgres"

    def binary(self, name):
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        return found[-1] if found else shutil.which(name)

    def missing(self):
        return super().missing() + ([] if self.binary("initdb") else ["postgresql"])

    def as_user(self):
        # The server refuses to be root.
        return ["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--init-groups"] if os.geteuid() == 0 else []

    def prepare(self, work):
        self.home = f"{work}/postgres"
        os.mkdir(self.home)
        if os.geteuid() == 0:
            os.chmod(work, 0o755)
            shutil.chown(self.home, self.USER, self.USER)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
        subprocess.run(self.as_user() + [self.binary("initdb"), "-D", f"{self.home}/data", "-A", "trust", "--no-sync"], **quiet)

    def run(self, work, prefix, sample=False):
        command = [self.binary("postgres"), "-D", f"{self.home}/data", "-k", self.home, "-c", "listen_addresses=",
                   "-c", "shared_buffers=128MB", "-c", "fsync=off"]
        # heaptrack's pipe is its user's; oomcast follows a program that gives up its privileges.
        command = self.as_user() + prefix + command if prefix[:1] == ["heaptrack"] else prefix + self.as_user() + command
        server = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True)
        sampler = sampler_for(sample, server.pid, bool(prefix))
        client = ["pgbench", "-h", self.home, "-U", self.USER if os.geteuid() == 0 else getpass.getuser(), "postgres"]
        for _ in range(300):
            ready = subprocess.run(client + ["-i", "-q", "-s", "10"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if ready.returncode == 0:
                break
            time.sleep(0.1)
        begin = time.monotonic()
        bench = subprocess.run(client + ["-c", "8", "-j", "2", "-t", "400"], capture_output=True, text=True)
        seconds = time.monotonic() - begin
        postmaster = f"{self.home}/data/postmaster.pid"
        if os.path.exists(postmaster):
            with open(postmaster) as file:
                os.kill(int(file.readline()), signal.SIGINT)
        status = server.wait(60)
        done = re.search(r"actually processed: (\S+)", bench.stdout)
        return Run(seconds, digest(done[1] if done else bench.stderr), status, sampler.stop() if sampler else 0)


class CompiledGuest(Program):
    """A program of a few lines from tests/bench."""

    source, arguments = "", ()
    sampled_arguments = ()   # beside the others when its peak is measured
    needs = ("gcc",)

    def prepare(self, work):
        subprocess.run(["gcc", "-O2", "-o", f"{work}/{self.source}", f"{GUEST_SOURCES}/{self.source}.c"], check=True)

    def run(self, work, prefix, sample=False):
        arguments = (*self.arguments, *(self.sampled_arguments if sample else ()))
        result = execute([f"{work}/{self.source}", *arguments], prefix, sample, work)
        result.output = digest(result.output)
        return result


class TouchFresh(CompiledGuest):
    name, source, arguments = "touch fresh memory", "touch_fresh", ("256", "6")


class MallocChurn(CompiledGuest):
    name, source, arguments = "malloc/free churn", "malloc_churn", ("20",)


class ReadFresh(CompiledGuest):
    name, source, arguments = "read() into fresh memory", "read_fresh", ("blob",)
    sampled_arguments = (str(int(PAUSE_AT_PEAK_S * 1000)),)

    def prepare(self, work):
        super().prepare(work)
        piece = random.Random(3).randbytes(1 << 20)
        with open(f"{work}/blob", "wb") as file:
            for _ in range(200):
                file.write(piece)


ALL = [Python300M(), RedisBenchmark(), Node(), Gcc(), Sqlite(), Sort(), Postgres(), StressNg(), TouchFresh(), MallocChurn(), ReadFresh(), ShortProcesses()]
# Measured when they are named.
NAMED = [PyenvShim()]
# More that coverage_check runs: another run-time that maps for itself, process trees, shared memory.
MORE = [Java(),
        StressNg("mmap", ("--mmap", "2", "--mmap-bytes", "128M")), StressNg("brk", ("--brk", "2", "--brk-ops", "60000")),
        StressNg("fork", ("--fork", "2")), StressNg("malloc", ("--malloc", "2", "--malloc-bytes", "128M", "--malloc-ops", "60000")),
        StressNg("bigheap", ("--bigheap", "2", "--bigheap-growth", "4M", "--bigheap-ops", "400")), StressNg("shm", ("--shm", "2", "--shm-bytes", "32M", "--shm-ops", "20"))]


def chosen(patterns, programs=None):
    """The programs whose name contains one of the words; all if none is given. Prints those that cannot run."""
    picked = [p for p in programs or ALL if not patterns or any(word in p.name for word in patterns)]
    for program in list(picked):
        if program.missing():
            print(f"{program.name}: skipped, not installed: {', '.join(program.missing())}")
            picked.remove(program)
    return picked
