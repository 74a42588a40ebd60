"""What scripts/bench measures of the driver virtualbox: `create` through the stand-in of VBoxManage,
against the QEMU that this started, started by hand. Wall-clock seconds, medians of three runs."""
import os, statistics, subprocess, sys

import benching
from benching import row, shown

machine, stand_in, scratch = sys.argv[1:4]
store = os.environ["MACHINE_STORAGE_PATH"]
os.makedirs(f"{scratch}/bin")
os.symlink(stand_in, f"{scratch}/bin/VBoxManage")
os.environ["PATH"] = f"{scratch}/bin:{os.environ['PATH']}"
os.environ["VBOX_USER_HOME"] = f"{scratch}/vbox"


def run(*args):
    return benching.run(machine, *args)


def command_line(name):
    """That of the machine's QEMU, as the kernel has it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{pid}/cmdline", "rb").read().decode().split("\0")[:-1]
        except OSError:
            continue
        if f"guest={name}" in words and "qemu-system" in words[0]:
            return words
    sys.exit(f"{name} has no QEMU")


def bare(name, command):
    """The same QEMU with a new disk, from its start to the first answer with TLS."""
    directory = f"{store}/machines/{name}"
    disk = f"{scratch}/bare.img"
    # The stand-in leaves the disk as it was made, and works on a copy.
    subprocess.run(["qemu-img", "convert", "-O", "raw", f"{directory}/disk.vmdk", disk], check=True)
    command = [word.replace(f"{directory}/{name}/disk.raw", disk) for word in command]
    assert any(disk in word for word in command), command
    took = benching.boot([command], [benching.engine(directory)])
    os.unlink(disk)
    return took


creates, bares = [], []
for number in range(3):
    name = f"vbox{number}"
    creates.append(run("create", "-d", "virtualbox", "--virtualbox-network", "nat", "--virtualbox-no-share", name))
    command = command_line(name)
    run("kill", name)
    bares.append(bare(name, command))
    run("rm", "-y", name)
row("virtualbox: create through the stand-in, s", f"{statistics.median(creates):.1f}", shown(creates))
row("its QEMU by hand to the first TLS answer, s", f"{statistics.median(bares):.1f}", shown(bares))
row("create / by hand (at most 1.10)", f"{statistics.median(creates) / statistics.median(bares):.2f}")
