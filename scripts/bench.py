"""What scripts/bench measures. Times are wall-clock seconds, best and all of several runs."""
import io, json, os, resource, shutil, subprocess, sys, tarfile, time

import benching
from benching import row, shown

machine, scratch = sys.argv[1:3]
store = os.environ["MACHINE_STORAGE_PATH"]


def run(*args):
    return benching.run(machine, *args)


def best(runs, *args):
    return min(run(*args) for _ in range(runs))


def cpu(runs, *args, program=machine, **variables):
    """Milliseconds of processor time, the least of several runs."""
    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **variables})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return min(once() for _ in range(runs)) * 1000


def seed(directory, disk):
    """The same seed as the machine's own, from the files in its directory."""
    def add(name, data, mode=0o644, kind=tarfile.REGTYPE):
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.type = len(data), mode, kind
        archive.addfile(info, io.BytesIO(data))
    read = lambda name: open(f"{directory}/{name}", "rb").read()
    magic = b"boot2docker, please format-me"
    profile = ("DOCKER_HOST='-H tcp://0.0.0.0:2376'\nDOCKER_TLS=auto\nDOCKER_STORAGE=overlay2\n"
               "CACERT=/var/lib/boot2docker/ca.pem\nSERVERCERT=/var/lib/boot2docker/server.pem\n"
               "SERVERKEY=/var/lib/boot2docker/server-key.pem\nEXTRA_ARGS='--label provider=qemu'\n")
    with tarfile.open(disk, "w", format=tarfile.USTAR_FORMAT) as archive:
        add(magic.decode(), magic, 0)
        add(".ssh", b"", 0o700, tarfile.DIRTYPE)
        add(".ssh/authorized_keys", read("id_rsa.pub"))
        add("machine", b"", 0o700, tarfile.DIRTYPE)
        add("machine/hostname", b"bare\n")
        add("machine/machine-id", read("machine-id"))
        add("machine/profile", profile.encode())
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{scratch}/hk{time.monotonic_ns()}"], check=True)
        key = max((f for f in os.listdir(scratch) if f.startswith("hk") and not f.endswith(".pub")))
        add("machine/ssh_host_ed25519_key", open(f"{scratch}/{key}", "rb").read(), 0o600)
        add("machine/ssh_host_ed25519_key.pub", open(f"{scratch}/{key}.pub", "rb").read())
        add("machine/ca.pem", read("ca.pem"))
        add("machine/server.pem", read("server.pem"))
        add("machine/server-key.pem", read("server-key.pem"), 0o600)
    os.truncate(disk, 20_000 << 20)


def bare(*names):
    """QEMUs by hand, all at once: the command lines that `machine` used, on new disks, to the last first answer."""
    commands = []
    for name in names:
        directory = f"{store}/machines/{name}"
        line = open(f"{directory}/qemu.log").readline()
        program, _, words = line.partition(" ")
        disk = f"{scratch}/bare-{name}.img"
        seed(directory, disk)
        commands.append([program, *(word.replace(f"{directory}/disk.img", disk) for word in json.loads(words))])
    took = benching.boot(commands, [benching.engine(f"{store}/machines/{name}") for name in names])
    for name in names:
        os.unlink(f"{scratch}/bare-{name}.img")
    return took


print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
creates, bares = [], []
for number in range(3):
    name = f"bench{number}"
    creates.append(run("create", "--qemu-memory", "1024", name))
    run("kill", name)
    bares.append(bare(name))
    run("rm", "-y", name)
row("create, s", f"{min(creates):.1f}", shown(creates))
row("bare QEMU to the first TLS answer, s", f"{min(bares):.1f}", shown(bares))
row("create / bare (at most 1.10)", f"{min(creates) / min(bares):.2f}")


# A lab of three that boot, against three QEMUs by hand; then a hundred that cost nothing.
def lab(text):
    path = f"{scratch}/lab.yaml"
    with open(path, "w") as file:
        file.write(text)
    return path


def rm_lab():
    run("down", "-y", "--lab", "bench")


three_file = lab("name: bench\nnetwork: none\nmachines: [{name: l, count: 3, memory: 1024}]\n")
ups, bares = [], []
for _ in range(2):
    ups.append(run("up", "-f", three_file))
    run("kill", "l1", "l2", "l3")
    bares.append(bare("l1", "l2", "l3"))
    rm_lab()
row("up of three, s", f"{min(ups):.1f}", shown(ups))
row("three bare QEMUs to the third TLS answer, s", f"{min(bares):.1f}", shown(bares))
row("up / bare (at most 1.25)", f"{min(ups) / min(bares):.2f}")
os.environ["FAKE_CLOUD"] = f"{scratch}/cloud.json"
hundred = lab("name: bench\nmachines: [{name: f, count: 100, driver: fake}]\n")
row("plan of 100 machines, ms (at most 100)", f"{best(5, 'plan', '-f', hundred) * 1000:.1f}")
run("up", "-f", hundred)
asked = json.load(open(os.environ["FAKE_CLOUD"]))["asked_for_all"]
row("up with nothing to do on 100, ms", f"{run('up', '-f', hundred) * 1000:.1f}")
row("questions to the driver for that (at most 1)", json.load(open(os.environ["FAKE_CLOUD"]))["asked_for_all"] - asked)
row("plan of 100 that run, ms (at most 100)", f"{best(5, 'plan', '-f', hundred) * 1000:.1f}")
rm_lab()


# Machines from a template, up to the first `docker version` that a real client gets.
def docker(name, *command):
    directory = f"{store}/machines/{name}"
    port = json.load(open(f"{directory}/config.json"))["Driver"]["EnginePort"]
    return ["docker", "--tlsverify", f"--tlscacert={directory}/ca.pem", f"--tlscert={directory}/cert.pem",
            f"--tlskey={directory}/key.pem", "-H", f"tcp://127.0.0.1:{port}", *command]


def usable(*names):
    """Creates machines at the same time; the seconds until all of them answered a docker client."""
    begin = time.monotonic()
    create = lambda name: subprocess.Popen([machine, "create", "--qemu-memory", "1024", name],
                                           stdout=subprocess.DEVNULL, env={**os.environ, "QEMU_TEMPLATE": "auto"})
    for process in [create(name) for name in names]:
        if process.wait() != 0:
            sys.exit("create failed")
    for name in names:
        subprocess.run(docker(name, "version"), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def identity(name):
    """What no two machines may share, from the machine itself."""
    said = lambda *args: subprocess.run(args, check=True, capture_output=True, text=True).stdout.split()
    ids = said(*docker(name, "info", "-f", "{{.ID}} {{.Name}}"))
    return ids + said(machine, "ssh", name, "cat /etc/machine-id /proc/sys/kernel/random/boot_id; "
                      "sudo sha256sum /var/lib/boot2docker/ssh/ssh_host_ed25519_key | cut -c-64; "
                      "cat /sys/class/net/docker0/address; head -c 16 /dev/urandom | sha256sum | cut -c-64")


def memory(name, key):
    """Megabytes of a machine's QEMU by a key of smaps_rollup."""
    pid = json.load(open(f"{store}/machines/{name}/config.json"))["Driver"]["Process"]["PID"]
    lines = open(f"/proc/{pid}/smaps_rollup").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def build():
    begin = time.monotonic()
    subprocess.run([machine, "template", "build"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "QEMU_TEMPLATE": "auto", "QEMU_MEMORY": "1024"})
    return time.monotonic() - begin


# In turn, since a computer's own speed changes by more than the difference within minutes.
builds, boots = [], []
for _ in range(3):
    subprocess.run([machine, "template", "rm", "--all"], check=True, stdout=subprocess.DEVNULL)
    builds.append(build())
    boots.append(run("create", "--qemu-memory", "1024", "boot"))
    run("rm", "-y", "boot")
row("template build, s", shown(builds))
row("create in between, s", shown(boots))
row("template build - create (at most 4)", f"{min(builds) - min(boots):.1f}")
warm, seen = [], []
for number in range(20):
    warm.append(usable(f"warm{number}"))
    seen += identity(f"warm{number}")
    run("rm", "-y", f"warm{number}")
row("twenty in a row: things in common (0)", str(len(seen) - len(set(seen))), f"of {len(seen)}")
left = subprocess.run(["pgrep", "-fc", store], capture_output=True, text=True).stdout.strip()
row("the same: machines, processes left (0, 0)", f"{len(os.listdir(f'{store}/machines'))}, {left}")
row("create from a template to docker version, s", f"{min(warm):.2f}", shown(sorted(warm)) + " (at most 2.5)")
row("the same / create (at most 0.15)", f"{min(warm) / min(creates):.2f}")
three = usable("t0", "t1", "t2")
row("three at once, s (at most 6)", f"{three:.1f}")
each = [memory(f"t{number}", "Private_Dirty") for number in range(3)]
row("memory of their own, MB each", " ".join(f"{mb:.0f}" for mb in each))
row("in memory altogether (PSS), MB each", " ".join(f"{memory(f't{n}', 'Pss:'):.0f}" for n in range(3)))
run("rm", "-y", "t0", "t1", "t2")
templates = f"{os.environ['MACHINE_CACHE_PATH']}/qemu/templates"
for directory, _, names in os.walk(templates):
    for name in names:
        file = os.open(f"{directory}/{name}", os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
cold = usable("cold")
row("the same with a cold page cache, s", f"{cold:.2f}")
run("rm", "-y", "cold")

for count in (1, 100, 1000):
    have = len(os.listdir(f"{store}/machines")) if os.path.isdir(f"{store}/machines") else 0
    if have == 0:
        run("create", "-d", "none", "--url", "tcp://127.0.0.1:1", "r0")
        have = 1
    template = f"{store}/machines/r0"
    for number in range(have, count):
        shutil.copytree(template, f"{store}/machines/r{number}")
    row(f"ls, {count} records, ms", f"{best(5, 'ls') * 1000:.1f}")
row("ls -q, 1000 records, ms", f"{best(5, 'ls', '-q') * 1000:.1f}")
for command in ("env", "ip", "url"):
    row(f"{command}, ms", f"{best(20, command, 'r0') * 1000:.1f}")
host = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
quick = {"env": ["r0"], "ip": ["r0"], "url": ["r0"], "active": []}
ours = {command: cpu(10, command, *args, **host) for command, args in quick.items()}
for command, spent in ours.items():
    row(f"{command}, 1000 records, ms of CPU (at most 10)", f"{spent:.1f}")
asked = {"_MACHINE_COMPLETE": "fish"}
row("completion of a name, 1000 records, ms of CPU (at most 10)", f"{cpu(10, '--', 'machine', 'url', 'r', **asked):.1f}")
if shutil.which("docker-machine"):
    for command in ("env", "ip", "url", "ls"):
        begin = time.monotonic()
        subprocess.run(["docker-machine", command] + ([] if command == "ls" else ["r0"]), stdout=subprocess.DEVNULL)
        row(f"docker-machine {command}, ms", f"{(time.monotonic() - begin) * 1000:.1f}")
    for command in ("ip", "url"):
        theirs = cpu(3, command, "r0", program="docker-machine")
        row(f"{command} / docker-machine {command}, CPU", f"{ours[command] / max(theirs, 0.1):.2f}")
else:
    row("docker-machine", "not on PATH")
usage = subprocess.run(["python3", "-c", "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL);print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", machine, "ls"], capture_output=True, text=True, check=True)
row("peak memory of ls, 1000 records, MB", f"{int(usage.stdout) / 1024:.1f}")
row("size of the program, MB (at most 20)", f"{os.path.getsize(machine) / 1e6:.1f}")
