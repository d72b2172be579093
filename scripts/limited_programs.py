"""Lists real programs and runs them under a memory limit, on this machine's kernel or under oomcast.

Used by proof_check, verdict_spread and services_check. `run` is a shell command in a folder of its own; `prepare` makes its input once,
`before` is run before each run.
"""
import json
import os
import subprocess
import sys

MIB = 1 << 20

PROGRAMS = {
    "python3": {"run": "python3 -c 'd={i:str(i)*8 for i in range(500000)}'"},
    "sqlite3": {"run": "sqlite3 :memory: \"create table t(a int,b text); with recursive c(i) as (select 1 union all select i+1 from c "
                       "where i<500000) insert into t select i*7919%1000003, printf('%060d',i) from c; select count(distinct a) from t\""},
    "perl": {"run": "perl -e 'my %h; $h{$_} = $_ x 6 for 1..500000'"},
    "xz": {"prepare": "seq 1 2000000 > numbers", "run": "xz -T1 -7 -c numbers > numbers.xz"},
    "sort": {"prepare": "seq 1 1500000 | rev > reversed", "run": "sort -S 400M --parallel=1 reversed > sorted"},
    "node": {"run": "node -e 'let m=new Map();for(let i=0;i<400000;i++)m.set(\"k\"+i,{i,v:[i,i+1]})'"},
    "redis": {"run": "redis-server --port 0 --unixsocket $PWD/s --save '' --appendonly no --enable-debug-command yes --daemonize no & "
                     "for i in $(seq 200); do redis-cli -s s ping 2>/dev/null | grep -q PONG && break; sleep 0.05; done; "
                     "redis-cli -s s debug populate 300000 key 300; redis-cli -s s shutdown nosave; wait $!"},
    "gcc": {"prepare": "python3 -c \"for i in range(2500): print('int f%d(int*a,int n){int s=0;for(int i=0;i<n;i++)s+=a[i]*%d+i;return s;}'%(i,i))\" > big.c",
            "run": "gcc -O2 -c big.c -o big.o"},
    "java": {"prepare": "printf 'import java.util.*;public class M{public static void main(String[] a){Map<Integer,byte[]> m=new HashMap<>();"
                        "for(int i=0;i<150000;i++)m.put(i,new byte[600]);System.out.println(m.size());}}' > M.java && javac M.java",
             "run": "java -Xmx300m -XX:+UseSerialGC M"},
    "git": {"prepare": "rm -rf g0; git init -q g0; cd g0; for i in $(seq 30); do seq $((i*1000)) $((i*1000+60000)) > f$((i%7)); git add .; "
                       "git -c user.name=a -c user.email=a@b commit -qm $i; done",
            "before": "rm -rf g; cp -a g0 g", "run": "cd g && git repack -adfq --window=60 --threads=2"},
}


class Group:
    """A memory cgroup for one run. v1's memory.limit_in_bytes or v2's memory.max."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self.v1 = os.path.exists(f"{path}/memory.limit_in_bytes")

    def write(self, name, value):
        with open(f"{self.path}/{name}", "w") as file:
            file.write(str(value))

    def read(self, name):
        with open(f"{self.path}/{name}") as file:
            return file.read()

    def limit(self, limit):
        self.write("memory.limit_in_bytes" if self.v1 else "memory.max", limit)

    def peak(self):
        return int(self.read("memory.max_usage_in_bytes" if self.v1 else "memory.peak"))

    def kills(self):
        lines = self.read("memory.oom_control" if self.v1 else "memory.events").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def remove(self):
        os.rmdir(self.path)


def built(oomcast, script):
    """The absolute path of the command, or the end of `script` with what to do."""
    if not os.access(oomcast, os.X_OK):
        sys.exit(f"{script}: no {oomcast}; build first (scripts/test), or give --oomcast")
    return os.path.abspath(oomcast)


def chosen(names, script):
    """The programs of these names, all if there are none; the end of `script` if one is not known."""
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown:
        sys.exit(f"{script}: no program {unknown[0]}; known are {', '.join(PROGRAMS)}")
    return names or list(PROGRAMS)


def run_step(program, key, work):
    if key in program:
        subprocess.run(["bash", "-c", program[key]], cwd=work, check=True, stdout=subprocess.DEVNULL)


def live(oomcast, program, work, limit, *options):
    run_step(program, "before", work)
    report = f"{work}/report.json"
    subprocess.run([oomcast, "run", "--host", "this", "--cgroup", f"memory.max={limit}", "--report", report, "-q", *options, "--",
                    "bash", "-c", program["run"]], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    with open(report) as file:
        return json.load(file)


def proven_limit(report):
    for finding in report["findings"]:
        for suggestion in finding["try"]:
            for word in suggestion["settings"]:
                if word.startswith("cgroup.memory.max=") and suggestion["proven"]:
                    return int(word.split("=")[1]), suggestion
    return None, None
