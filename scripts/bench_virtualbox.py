"""What scripts/bench measures of the driver virtualbox: `create` through the stand-in of VBoxManage,
against the QEMU that this started, started by hand. Wall-clock seconds, medians of three runs."""
import json, os, signal, ssl, statistics, subprocess, sys, time, urllib.request

machine, stand_in, scratch = sys.argv[1:4]
store = os.environ["MACHINE_STORAGE_PATH"]
os.makedirs(f"{scratch}/bin")
os.symlink(stand_in, f"{scratch}/bin/VBoxManage")
os.environ["PATH"] = f"{scratch}/bin:{os.environ['PATH']}"
os.environ["VBOX_USER_HOME"] = f"{scratch}/vbox"


def run(*args):
    begin = time.monotonic()
    subprocess.run([machine, *args], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


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
    port = json.load(open(f"{directory}/config.json"))["Driver"]["EnginePort"]
    context = ssl.create_default_context(cafile=f"{directory}/ca.pem")
    context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
    begin = time.monotonic()
    qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while True:
        try:
            urllib.request.urlopen(f"https://127.0.0.1:{port}/_ping", context=context, timeout=2).read()
            break
        except OSError:
            time.sleep(0.05)
    took = time.monotonic() - begin
    qemu.send_signal(signal.SIGKILL)
    qemu.wait()
    os.unlink(disk)
    return took


def row(what, value, against=""):
    print(f"{what:<44} {value:>12}   {against}", flush=True)


creates, bares = [], []
for number in range(3):
    name = f"vbox{number}"
    creates.append(run("create", "-d", "virtualbox", "--virtualbox-network", "nat", "--virtualbox-no-share", name))
    command = command_line(name)
    run("kill", name)
    bares.append(bare(name, command))
    run("rm", "-y", name)
shown = lambda times: " ".join(f"{t:.1f}" for t in times)
row("virtualbox: create through the stand-in, s", f"{statistics.median(creates):.1f}", shown(creates))
row("its QEMU by hand to the first TLS answer, s", f"{statistics.median(bares):.1f}", shown(bares))
row("create / by hand (at most 1.10)", f"{statistics.median(creates) / statistics.median(bares):.2f}")
