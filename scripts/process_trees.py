"""Programs whose processes share memory since a fork: what coverage_check --once runs."""
import shutil
import tempfile

from programs import Postgres, Program, Python300M, digest, execute


class Script(Program):
    """A Python program of a few lines that forks."""
    PYTHON = Python300M.PYTHON
    needs = (PYTHON,)
    source = ""

    def run(self, work, prefix, sample=False):
        path = f"{work}/script.py"
        with open(path, "w") as file:
            file.write(self.source)
        result = execute([self.PYTHON, path], prefix, sample, work)
        result.output = digest(result.output)
        return result


class Multiprocessing(Script):
    name = "python multiprocessing"
    source = """import multiprocessing, time
base = bytearray(b"x") * (60 << 20)
def work(n):
    own = bytearray(b"y") * (10 << 20)
    time.sleep(0.5)
    return len(own) + sum(base[::4096])
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(sum(pool.map(work, range(8), 1)))
"""


class Prefork(Script):
    """A server that loads 40 MiB and forks six workers, each of which writes into a part of that and takes 5 MiB more."""
    name = "prefork server"
    source = """import os, time
loaded = bytearray(b"x") * (40 << 20)
workers = []
ready, go = os.pipe(), os.pipe()
for n in range(6):
    pid = os.fork()
    if pid == 0:
        os.close(go[1])
        own = bytearray(b"y") * (5 << 20)
        for at in range(0, 2 << 20, 4096):
            loaded[n * (2 << 20) + at] = n
        os.write(ready[1], b"r")
        os.read(go[0], 1)
        os._exit(0)
    workers.append(pid)
for pid in workers:
    os.read(ready[0], 1)
time.sleep(0.5)
os.close(go[1])
for pid in workers:
    os.waitpid(pid, 0)
print(len(loaded))
"""


class Rustc(Program):
    name = "rustc"
    needs = ("rustc",)
    exact_peak = False   # how far its threads are at once

    def prepare(self, work):
        with open(f"{work}/program.rs", "w") as file:
            file.write("use std::collections::HashMap;\n")
            for i in range(60):
                file.write(f"fn f{i}(x: u64) -> HashMap<u64, String> {{ (0..x).map(|k| (k + {i}, format!(\"{{}}\", k))).collect() }}\n")
            file.write("fn main() { println!(\"{}\", " + " + ".join(f"f{i}({i}).len()" for i in range(60)) + "); }\n")

    def run(self, work, prefix, sample=False):
        result = execute(["rustc", "-O", "program.rs"], prefix, sample, work)
        result.output = digest(result.output)
        return result


class Chromium(Program):
    name = "chromium"
    needs = ("chromium",)
    exact_peak = False

    def run(self, work, prefix, sample=False):
        profile = tempfile.mkdtemp(dir=work)
        result = execute(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom", "about:blank"], prefix, sample, work)
        shutil.rmtree(profile, ignore_errors=True)
        result.output = digest(result.output)
        return result


# Whose processes share memory since a fork: coverage_check --once.
TREES = [Multiprocessing(), Prefork(), Rustc(), Chromium(), Postgres()]
