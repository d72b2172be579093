"""Boots a guest: one QEMU at a time, at low priority, as a host of one to several NUMA nodes."""
import ctypes
import os
import shutil
import signal
import subprocess

from machine.guest_files import (build_programs, fill_tree, make_ext4, make_results, make_swap, read_results, tree_mib,
                                 write_initramfs)
from machine.cases import job_text
from machine.kernels import WANTED_MODULES, ZRAM_MODULES, MachineError, image_of, modules_in_order

BOOT_LIMIT_S = 600  # for boot, calibration, setup and settling under TCG on a busy machine
COMMAND_LINE = "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off random.trust_cpu=on "
COMMAND_LINE += "no_timer_check "  # on a busy machine the check of the timer interrupt panics
COMMAND_LINE += "cryptomgr.notests "  # a shorter boot
COMMAND_LINE += "nokaslr"  # else the kernel image (40 MB) lands on another node at each boot


def accelerator(icount, kvm):
    """KVM is asked for, never guessed: a /dev/kvm that opens may still not boot a guest (seen: a nested one that hangs
    before the kernel's first line), and the stored runs are TCG's, whose calibration they carry."""
    if icount:
        return ["-accel", "tcg,thread=single", "-icount", icount, "-cpu", "max"]
    if kvm:
        return ["-accel", "kvm", "-cpu", "host,-arch-capabilities"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def memory_arguments(case):
    nodes = case["nodes"]
    arguments = ["-m", f"{sum(nodes)}M", "-smp", str(case["cpus"])]
    if len(nodes) == 1:
        return arguments
    for node, size in enumerate(nodes):
        cpus = "".join(f",cpus={cpu}" for cpu in case["node_cpus"][node])
        arguments += ["-object", f"memory-backend-ram,id=m{node},size={size}M"]
        arguments += ["-numa", f"node,nodeid={node},memdev=m{node}{cpus}"]
    for source, row in enumerate(case["distances"]):
        for target, distance in enumerate(row):
            arguments += ["-numa", f"dist,src={source},dst={target},val={distance}"]
    return arguments


def disk_arguments(number, path, serial, iops=0):
    throttle = f",throttling.iops-total={iops}" if iops else ""
    return ["-drive", f"file={path},format=raw,if=none,id=d{number},cache=unsafe{throttle}",
            "-device", f"virtio-blk-pci,drive=d{number},serial={serial}"]


def before_exec(nice):
    """Lower priority; and killed with its parent, should that be killed without a chance to clean up."""
    os.nice(nice)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Guest:
    """The files of one case, made once in `work` and booted as often as the case is repeated."""

    def __init__(self, case, kernel, work, icount="", nice=5, kvm=False):
        self.case, self.kernel, self.work, self.icount, self.nice, self.kvm = case, kernel, work, icount, nice, kvm
        init, memload = build_programs(work)
        tree = f"{work}/tree"
        fill_tree(tree, case, memload)
        in_memory = case["root"] == "initramfs"
        modules = modules_in_order(kernel, WANTED_MODULES + (ZRAM_MODULES if case["zram_mb"] else ()))
        write_initramfs(f"{work}/initramfs", init, modules, job_text(case), tree if in_memory else None)
        if not in_memory:
            make_ext4(f"{work}/data.master", tree_mib(tree) * 5 // 4 + 24 + case["disk_mb"], tree)
        elif case["disk_mb"]:
            make_ext4(f"{work}/data.master", case["disk_mb"])
        shutil.rmtree(tree)

    def command(self):
        disks = [(f"{self.work}/results", "results", 0)]
        make_results(f"{self.work}/results")
        for index, swap in enumerate(self.case["swaps"]):
            make_swap(f"{self.work}/swap{index}", swap["mb"])
            disks.append((f"{self.work}/swap{index}", f"swap{index}", swap.get("iops", 0)))
        if os.path.exists(f"{self.work}/data.master"):
            subprocess.run(["cp", "--sparse=always", f"{self.work}/data.master", f"{self.work}/data"], check=True)
            disks.append((f"{self.work}/data", "data", self.case["disk_iops"]))
        command = ["qemu-system-x86_64", *accelerator(self.icount, self.kvm), *memory_arguments(self.case), "-no-reboot",
                   "-display", "none", "-nic", "none", "-monitor", "none", "-serial", f"file:{self.work}/console",
                   "-kernel", image_of(self.kernel), "-initrd", f"{self.work}/initramfs",
                   "-append", f"{COMMAND_LINE} {self.case['append']}".strip()]
        for number, disk in enumerate(disks):
            command += disk_arguments(number, *disk)
        return command

    def boot(self):
        """One run: {name: bytes} of the guest's results. Raises MachineError with the console's end if it failed."""
        command = self.command()
        try:
            qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True, preexec_fn=lambda: before_exec(self.nice))
        except FileNotFoundError:
            raise MachineError("qemu-system-x86_64 is missing: apt-get install qemu-system-x86") from None
        try:
            errors = qemu.communicate(timeout=BOOT_LIMIT_S + self.case["limit_s"])[1]
        except subprocess.TimeoutExpired:
            errors = f"no end within {BOOT_LIMIT_S + self.case['limit_s']} s"
        finally:
            if qemu.poll() is None:
                qemu.kill()
                qemu.communicate()
        results = read_results(f"{self.work}/results")
        if results is None:
            with open(f"{self.work}/console", errors="replace") as file:
                console = file.read()[-1500:]
            raise MachineError(f"the guest did not finish. {errors.strip()}\nEnd of its console:\n{console.strip()}")
        return results
