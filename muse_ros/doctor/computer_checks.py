"""The computer itself: disk, GPU, kernel, rendering and screen."""

from __future__ import annotations

from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

MB, GB = 1e6, 1e9
WRITTEN = 256 << 20  # bytes: more than the cache of a disk, a second or two of a slow one
LITTLE_GB, TOO_LITTLE_GB = 20.0, 1.0  # the collect node refuses an episode below the second
PLENTY = 3.0  # times what recording needs: a disk does other things, too
RENDER = (
    "from muse_core.environments.panda.mujoco_gl import mujoco; "
    "context = mujoco.GLContext(16, 16); context.make_current(); context.free()"
)


def check_space(machine: Machine, folder: str, needed_rate: float) -> Finding:
    """Free space for recordings, at `needed_rate` [bytes/s]."""
    free_gb = machine.free_bytes(folder) / GB
    hours, rate = free_gb * GB / needed_rate / 3600.0, needed_rate / MB
    found = f"{free_gb:.0f} GB free at {machine.existing(folder)}: {hours:.1f} h of recording at {rate:.1f} MB/s"
    cure = "make room, or record elsewhere: muse up collect root_dir:=/another/disk"
    if free_gb < TOO_LITTLE_GB:
        return Finding("disk", "free space", Verdict.FAIL, found, cure)
    if free_gb < LITTLE_GB:
        return Finding("disk", "free space", Verdict.WARN, found, cure)
    return Finding("disk", "free space", Verdict.OK, found)


def check_disk_rate(machine: Machine, folder: str, needed_rate: float) -> Finding:
    """How fast the disk takes what recording sends, at `needed_rate` [bytes/s]."""
    cure = "record on a disk of this computer, no network folder or USB stick: muse up collect root_dir:=/another/disk"
    try:
        size = min(WRITTEN, int(machine.free_bytes(folder) // 4))
        rate = machine.write_rate(folder, size)
    except OSError as error:
        return Finding("disk", "write rate", Verdict.FAIL, f"{machine.existing(folder)}: {error}", cure)
    found = f"{rate / MB:.0f} MB/s, flushed; recording needs {needed_rate / MB:.1f}"
    if rate < needed_rate:
        return Finding("disk", "write rate", Verdict.FAIL, found, cure)
    if rate < PLENTY * needed_rate:
        return Finding("disk", "write rate", Verdict.WARN, found, cure)
    return Finding("disk", "write rate", Verdict.OK, found)


def check_gpu(machine: Machine) -> Finding:
    """A GPU, and a torch that can use it. Imports torch, in a process of its own, only where both are there."""
    code, said = machine.run(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"])
    if code:
        return Finding("gpu", "NVIDIA GPU", Verdict.SKIP, "none: training and policies run on the CPU")
    cards = "; ".join(line.strip() for line in said.splitlines())
    if not machine.has_package("torch"):
        return Finding(
            "gpu", "NVIDIA GPU", Verdict.WARN, f"{cards}; torch is not installed", "pip install -e '.[train]'"
        )
    program = "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available())"
    code, said = machine.run([machine.python, "-c", program], 60.0)
    if code or not said.endswith("True"):
        cure = "pip install --force-reinstall torch   # a build for CUDA, and a driver that is new enough"
        return Finding("gpu", "NVIDIA GPU", Verdict.WARN, f"{cards}; torch cannot use it ({said or 'no answer'})", cure)
    return Finding("gpu", "NVIDIA GPU", Verdict.OK, f"{cards}; torch {' with CUDA '.join(said.split()[:2])}")


def check_kernel(machine: Machine) -> list[Finding]:
    """Real time: the kernel, what this user may ask of it, and the processor's clock."""
    kernel = machine.kernel()
    real_time = "PREEMPT_RT" in kernel or machine.read("/sys/kernel/realtime") == "1"
    findings = [
        Finding("kernel", "real time", Verdict.OK, kernel)
        if real_time
        else Finding(
            "kernel",
            "real time",
            Verdict.WARN,
            f"{kernel}: not a real-time kernel; only the computer that runs a real arm's 1 kHz loop needs one",
            "sudo pro enable realtime-kernel (Ubuntu Pro), or apt-get install linux-image-rt-amd64 (Debian)",
        )
    ]
    priority = machine.limit("RTPRIO")
    if priority == 0 and real_time:
        cure = 'echo "$USER - rtprio 99" | sudo tee /etc/security/limits.d/99-realtime.conf   # then log in anew'
        findings.append(Finding("kernel", "priorities", Verdict.WARN, "this user may ask for none (rtprio 0)", cure))
    else:
        said = (
            "any" if priority < 0 else f"up to {priority}" if priority else "none, which only a real-time kernel uses"
        )
        findings.append(Finding("kernel", "priorities", Verdict.OK, f"this user may ask for {said}"))
    governors = {machine.read(path) for path in machine.paths("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")}
    if not governors:
        findings.append(
            Finding("kernel", "processor clock", Verdict.SKIP, "no governor to be seen (a virtual machine)")
        )
    elif governors == {"performance"}:
        findings.append(Finding("kernel", "processor clock", Verdict.OK, "performance"))
    else:
        named = ", ".join(sorted(name for name in governors if name))
        cure = "sudo cpupower frequency-set -g performance   # a slow clock makes ticks late"
        findings.append(Finding("kernel", "processor clock", Verdict.WARN, named, cure))
    return findings


def check_screen(machine: Machine, render: bool) -> list[Finding]:
    """EGL for the simulator's cameras (drawn for real where `render`), and a display for the window."""
    environment = machine.environment
    display = environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY")
    window = (
        Finding("screen", "display", Verdict.OK, f"{display}: the operator's window opens there")
        if display
        else Finding("screen", "display", Verdict.SKIP, "none: everything runs without the window; over ssh: ssh -X")
    )
    if not machine.has_package("mujoco"):
        return [Finding("screen", "rendering", Verdict.SKIP, "mujoco is not installed: no simulated cameras"), window]
    if not render:
        return [Finding("screen", "rendering", Verdict.SKIP, "not tried (--quick)"), window]
    code, said = machine.run([machine.python, "-c", RENDER], 60.0)
    if code:
        last = said.splitlines()[-1] if said else "no answer"
        cure = "sudo apt-get install libegl1 libopengl0 libgl1 libgl1-mesa-dri"
        return [Finding("screen", "rendering", Verdict.FAIL, f"no OpenGL context: {last}", cure), window]
    how = environment.get("MUJOCO_GL") or "egl"
    return [Finding("screen", "rendering", Verdict.OK, f"MuJoCo draws without a screen ({how})"), window]
