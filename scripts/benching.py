"""What the parts of scripts/bench share."""
import json, signal, ssl, subprocess, time, urllib.request


def run(machine, *args):
    """Seconds that a command of `machine` takes."""
    begin = time.monotonic()
    subprocess.run([machine, *args], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def engine(directory):
    """Where the Engine of the machine in that directory listens on 127.0.0.1, and how it is asked."""
    context = ssl.create_default_context(cafile=f"{directory}/ca.pem")
    context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
    return json.load(open(f"{directory}/config.json"))["Driver"]["EnginePort"], context


def boot(commands, engines):
    """Seconds from the start of all these QEMUs to the last first answer with TLS; then they are killed."""
    begin = time.monotonic()
    qemus = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    for port, context in engines:
        while True:
            try:
                urllib.request.urlopen(f"https://127.0.0.1:{port}/_ping", context=context, timeout=2).read()
                break
            except OSError:
                time.sleep(0.05)
    took = time.monotonic() - begin
    for qemu in qemus:
        qemu.send_signal(signal.SIGKILL)
        qemu.wait()
    return took


def row(what, value, against=""):
    print(f"{what:<44} {value:>12}   {against}", flush=True)


def shown(times):
    return " ".join(f"{t:.1f}" for t in times)
