"""Makes what a guest boots into: the initramfs with PID 1 and modules, and the disks: programs, swap, results."""
import glob
import os
import re
import shutil
import struct
import subprocess

from machine.kernels import MachineError

HERE = os.path.dirname(os.path.abspath(__file__))
GROUND_TRUTH = os.path.dirname(HERE)
ALWAYS = ("/bin/sh", "/usr/bin/taskset")  # what a run's command line needs beside its own program
RESULTS_MIB = 24


def compile_static(sources, out, *options):
    done = subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-D_GNU_SOURCE", *options, "-o", out, *sources],
                          capture_output=True, text=True)
    if done.returncode:
        raise MachineError(f"gcc could not build {out} (libc6-dev with libc.a is needed):\n{done.stderr}")


def build_programs(directory):
    """Builds PID 1 and memload into `directory`; returns their paths."""
    init, memload = f"{directory}/init", f"{directory}/memload"
    compile_static(sorted(glob.glob(f"{GROUND_TRUTH}/guest/*.c")), init)
    compile_static([f"{GROUND_TRUTH}/memload.c"], memload, "-w")
    return init, memload


def libraries_of(program):
    """The shared objects of a program, its loader included, at the paths where the loader searches for them."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True)
    if "not found" in listed.stdout:
        raise MachineError(f"{program} lacks a library here:\n{listed.stdout}")
    return re.findall(r"(/\S+) \(0x", listed.stdout)


def fill_tree(tree, case, memload):
    """Lays out the workload's file system in `tree`: the case's `files` of this machine with their libraries, its
    `content`, and what its `prepare` commands make in /data."""
    for directory in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/local/bin", "data", "tmp", "run", "proc",
                      "sys", "dev", "etc", "root"):
        os.makedirs(f"{tree}/{directory}", exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{name}", f"{tree}/{name}")
    os.chmod(f"{tree}/tmp", 0o1777)
    for path in (*ALWAYS, *case["files"]):
        if not os.path.exists(path):
            raise MachineError(f"{path} is not on this machine; install the package that has it")
        if os.path.isdir(path):
            shutil.copytree(path, tree + path, symlinks=True, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("__pycache__", "test"))
            continue
        with open(path, "rb") as file:
            is_elf = file.read(4) == b"\x7fELF"
        for each in [path, *(libraries_of(path) if is_elf else [])]:
            os.makedirs(os.path.dirname(tree + each), exist_ok=True)
            if not os.path.exists(tree + each):
                shutil.copy(each, tree + each)  # follows symlinks: the name the loader asks for, the file it means
    shutil.copy(memload, f"{tree}/usr/bin/memload")
    for path, text in case["content"].items():
        os.makedirs(os.path.dirname(tree + path), exist_ok=True)
        with open(tree + path, "w") as file:
            file.write(text)
    for command in case["prepare"]:
        done = subprocess.run(["sh", "-c", command], cwd=f"{tree}/data", capture_output=True, text=True)
        if done.returncode:
            raise MachineError(f"prepare failed on this machine: {command}: {done.stderr.strip()}")


def cpio(entries):
    """A newc archive of {name: (mode, bytes)}; the kernel unpacks it as its first root."""
    out = bytearray()
    for number, (name, (mode, data)) in enumerate([*entries.items(), ("TRAILER!!!", (0, b""))], 1):
        encoded = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        out += b"070701" + "".join(f"{field:08x}" for field in fields).encode() + encoded
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def tree_entries(tree):
    entries = {}
    for directory, directories, names in os.walk(tree):
        for name in sorted(directories + names):
            path = f"{directory}/{name}"
            inside = os.path.relpath(path, tree)
            if os.path.islink(path):
                entries[inside] = (0o120777, os.readlink(path).encode())
            elif os.path.isdir(path):
                entries[inside] = (0o040000 | os.stat(path).st_mode & 0o7777, b"")
            else:
                with open(path, "rb") as file:
                    entries[inside] = (0o100000 | os.stat(path).st_mode & 0o7777, file.read())
    return dict(sorted(entries.items(), key=lambda entry: entry[0].count("/")))


def write_initramfs(path, init, modules, job, tree=None):
    """The initramfs: /init, /job and /modules, and the workload's file system too if it is to live in it."""
    entries = tree_entries(tree) if tree else {"dev": (0o040755, b""), "r": (0o040755, b"")}
    with open(init, "rb") as file:
        entries["init"] = (0o100755, file.read())
    entries["job"] = (0o100644, job.encode())
    entries["modules"] = (0o040755, b"")
    for name, data in modules:
        entries[f"modules/{name}"] = (0o100644, data)
    entries["modules/order"] = (0o100644, "".join(f"{name}\n" for name, _ in modules).encode())
    with open(path, "wb") as file:
        file.write(cpio(entries))


def make_ext4(path, size_mib, tree=None):
    """A sparse ext4 image without a journal, filled from `tree`. Inode tables are made now, not by a guest's thread."""
    with open(path, "wb") as file:
        file.truncate(size_mib << 20)
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-O", "^has_journal",
               "-E", "lazy_itable_init=0,nodiscard"]
    done = subprocess.run([*command, *(["-d", tree] if tree else []), path], capture_output=True, text=True)
    if done.returncode:
        raise MachineError(f"mke2fs failed: {done.stderr.strip()}")


def tree_mib(tree):
    total = sum(os.path.getsize(f"{directory}/{name}") + 4096 for directory, _, names in os.walk(tree)
                for name in names if not os.path.islink(f"{directory}/{name}"))
    return (total >> 20) + 1


def make_swap(path, size_mib):
    """A sparse swap image with the header that mkswap would write (version 1, all pages good)."""
    with open(path, "wb") as file:
        file.truncate(size_mib << 20)
        file.seek(1024)
        file.write(struct.pack("<III16s16s", 1, size_mib * 256 - 1, 0, b"oomcast-gt-swap0", b""))
        file.seek(4096 - 10)
        file.write(b"SWAPSPACE2")


def make_results(path):
    with open(path, "wb") as file:
        file.truncate(RESULTS_MIB << 20)


def read_results(path):
    """{name: bytes} of what the guest wrote, or None if it never came to the end."""
    with open(path, "rb") as file:
        data = file.read()
    found, at = {}, 0
    while data[at:at + 5] == b"FILE ":
        end = data.index(b"\n", at)
        name, size = data[at + 5:end].decode().rsplit(" ", 1)
        found[name] = data[end + 1:end + 1 + int(size)]
        at = end + 1 + int(size)
    return found if data[at:at + 4] == b"END\n" else None
