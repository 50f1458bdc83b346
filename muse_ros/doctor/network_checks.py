"""Room for pictures on their way: the kernel's buffers between computers, shared memory between processes."""

from __future__ import annotations

from muse_ros.doctor.machine import Machine
from muse_ros.doctor.ros_checks import stays_here
from muse_ros.finding import Finding, Verdict

RECEIVE_BUFFER = 2 << 20  # bytes: some pictures; Linux's default is a tenth of it
SHARED_MEMORY = 128 << 20
FRAGMENTS_S, FRAGMENTS = 10, 16 << 20  # for how long and in how many bytes the kernel keeps what it cannot complete
SYSCTL = "sudo tee /etc/sysctl.d/60-ros.conf && sudo sysctl --system"


def check_network(machine: Machine) -> list[Finding]:
    """Buffers for pictures: over the network, and in shared memory between processes."""
    return [_receive_buffer(machine), _fragments(machine), _shared_memory(machine)]


def _receive_buffer(machine: Machine) -> Finding:
    """Fast DDS takes what the kernel gives a socket by itself, however much it might ask for; others ask for more."""
    others = machine.environment.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") != "rmw_fastrtps_cpp"
    transports = machine.environment.get("FASTDDS_BUILTIN_TRANSPORTS", "")
    if "sockets_size=" in transports and not others:
        return Finding("network", "receive buffer", Verdict.OK, f"FASTDDS_BUILTIN_TRANSPORTS is {transports}")
    name = "rmem_max" if others else "rmem_default"
    size = int(machine.read(f"/proc/sys/net/core/{name}") or 0)
    found = f"net.core.{name} is {size / 1e6:.1f} MB"
    if size >= RECEIVE_BUFFER:
        return Finding("network", "receive buffer", Verdict.OK, found)
    if stays_here(machine.environment):
        return Finding("network", "receive buffer", Verdict.OK, f"{found}: little between computers, enough on one")
    lines = "net.core.rmem_max=16777216\\nnet.core.rmem_default=4194304\\n"
    told = f"{found}: raw pictures from another computer lose pieces, and are lost; JPEG needs less"
    return Finding("network", "receive buffer", Verdict.WARN, told, f"printf '{lines}' | {SYSCTL}")


def _fragments(machine: Machine) -> Finding:
    """A picture is many Ethernet frames: where one is lost the others wait, and block those of the next pictures."""
    seconds = int(machine.read("/proc/sys/net/ipv4/ipfrag_time") or 0)
    size = int(machine.read("/proc/sys/net/ipv4/ipfrag_high_thresh") or 0)
    if not seconds or not size:
        return Finding("network", "fragments", Verdict.SKIP, "the kernel does not say")
    found = f"incomplete packets are kept for {seconds} s, in {size / 1e6:.1f} MB"
    if seconds <= FRAGMENTS_S or size >= FRAGMENTS:
        return Finding("network", "fragments", Verdict.OK, found)
    if stays_here(machine.environment):
        return Finding("network", "fragments", Verdict.OK, f"{found}: little between computers, enough on one")
    lines = "net.ipv4.ipfrag_time=3\\nnet.ipv4.ipfrag_high_thresh=134217728\\n"
    cure = f"printf '{lines}' | {SYSCTL.replace('60-ros', '61-ros')}"
    return Finding("network", "fragments", Verdict.WARN, f"{found}: over Wi-Fi pictures stand still for as long", cure)


def _shared_memory(machine: Machine) -> Finding:
    shared = machine.free_bytes("/dev/shm")
    found = f"{shared / 1e6:.0f} MB free in /dev/shm"
    if shared < SHARED_MEMORY:
        cure = "in Docker: docker run --ipc=host, or --shm-size=1g; else: rm /dev/shm/fastrtps_* of dead processes"
        return Finding("network", "shared memory", Verdict.WARN, f"{found}: Fast DDS falls back to UDP", cure)
    # Fast DDS makes these readable for others and writable for its user alone, and a killed process leaves them.
    shut = [path for path in machine.paths("/dev/shm/fastrtps_port*") if not machine.may(path, write=True)]
    if shut:
        told = f"{len(shut)} files of Fast DDS are of another user: nodes on the same ports do not hear each other"
        cure = "run all nodes as one user; then, while none runs: sudo rm /dev/shm/*fastrtps_*"
        return Finding("network", "shared memory", Verdict.WARN, told, cure)
    return Finding("network", "shared memory", Verdict.OK, found)
