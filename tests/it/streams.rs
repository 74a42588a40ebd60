//! What a docker client does with connections that are more than a request and an answer: hijacked,
//! half-closed, endless, large. All of it must pass whatever stands between the client and the
//! Engine.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::lab::{Lab, run};
use crate::vm::{docker, docker_ok};

/// The image that [`crate::vm::import`] makes: one static busybox.
const SHELL: [&str; 3] = ["bb", "/bin/busybox", "sh"];

/// More than fits into all buffers on the way.
const LARGE: usize = 5 << 20;

/// Proves every kind of stream on a running machine that has the image `bb`.
pub(crate) fn streams_work(lab: &Lab, machine: &str) {
    standard_input_ends(lab, machine);
    both_directions_carry_much(lab, machine);
    a_status_comes_through(lab, machine);
    a_conversation_with_exec(lab, machine);
    attach_and_detach(lab, machine);
    logs_are_followed(lab, machine);
    files_are_copied(lab, machine);
    images_are_saved_and_loaded(lab, machine);
    an_image_is_built(lab, machine);
    events_are_cut_off_by_the_client(lab, machine);
}

/// `docker run -i` with a pipe: the client closes its half, and the answer still arrives whole.
fn standard_input_ends(lab: &Lab, machine: &str) {
    for (count, sent) in [(1, "one line\n"), (2000, "the quick brown fox\n"), (0, "")] {
        let input = sent.repeat(count);
        let args = [&["run", "-i", "--rm"], &SHELL[..2], &["cat"]].concat();
        let output = fed(docker(lab, machine).args(args), input.as_bytes());
        assert_eq!(String::from_utf8(output).unwrap(), input);
    }
}

fn both_directions_carry_much(lab: &Lab, machine: &str) {
    let input = noise(LARGE);
    let args = [&["run", "-i", "--rm"], &SHELL[..2], &["cat"]].concat();
    let output = fed(docker(lab, machine).args(args), &input);
    assert!(output == input, "{} of {} bytes came back right", output.len(), input.len());
    // One that reads all before it says a word: the end of the input must have arrived.
    let args = [&["run", "-i", "--rm"], &SHELL[..2], &["wc", "-c"]].concat();
    let count = fed(docker(lab, machine).args(args), &input);
    assert_eq!(String::from_utf8(count).unwrap().trim(), LARGE.to_string());
}

fn a_status_comes_through(lab: &Lab, machine: &str) {
    let script = ["-c", "echo out; echo err >&2; exit 42"];
    let args = [&["run", "--rm"], &SHELL[..], &script].concat();
    let run = run(docker(lab, machine).args(args));
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(42), "out\n", "err\n"));
}

/// Question and answer by turns on one hijacked connection, which the client then half-closes.
fn a_conversation_with_exec(lab: &Lab, machine: &str) {
    let sleep = [&["run", "-d", "--name", "talk"], &SHELL[..2], &["sleep", "1000"]].concat();
    docker_ok(lab, machine, &sleep);
    let args = ["exec", "-i", "talk", "/bin/busybox", "sh"];
    let mut talk = piped(docker(lab, machine).args(args));
    let mut stdin = talk.stdin.take().unwrap();
    let mut answers = BufReader::new(talk.stdout.take().unwrap());
    for number in 1..=20 {
        writeln!(stdin, "echo $(({number} * {number}))").unwrap();
        stdin.flush().unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, format!("{}\n", number * number));
    }
    writeln!(stdin, "trap 'echo closed; exit 3' EXIT").unwrap();
    drop(stdin);
    let mut rest = String::new();
    answers.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), talk.wait().unwrap().code()), ("closed\n", Some(3)));
    docker_ok(lab, machine, &["rm", "-f", "talk"]);
}

/// `docker attach` hears what the container says, sends what it is told, and ends with it.
fn attach_and_detach(lab: &Lab, machine: &str) {
    let script =
        ["-c", "while read line; do [ $line = end ] && break; echo got $line; done; echo bye"];
    let args = [&["run", "-d", "-i", "--name", "door"], &SHELL[..], &script].concat();
    docker_ok(lab, machine, &args);
    let mut attach = piped(docker(lab, machine).args(["attach", "door"]));
    let mut stdin = attach.stdin.take().unwrap();
    let mut heard = BufReader::new(attach.stdout.take().unwrap());
    let mut line = String::new();
    writeln!(stdin, "hello").unwrap();
    stdin.flush().unwrap();
    heard.read_line(&mut line).unwrap();
    assert_eq!(line, "got hello\n");
    // Our half stays open: a container without `StdinOnce` drops whoever closes it.
    writeln!(stdin, "end").unwrap();
    stdin.flush().unwrap();
    let mut rest = String::new();
    heard.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "bye\n");
    assert!(attach.wait().unwrap().success());
    drop(stdin);
    docker_ok(lab, machine, &["rm", "-f", "door"]);
}

/// `docker logs -f` gives lines as they come, and ends when the container does.
fn logs_are_followed(lab: &Lab, machine: &str) {
    let script = ["-c", "for i in 1 2 3 4 5; do echo line $i; sleep 1; done"];
    let args = [&["run", "-d", "--name", "diary"], &SHELL[..], &script].concat();
    docker_ok(lab, machine, &args);
    let mut logs = piped(docker(lab, machine).args(["logs", "-f", "diary"]));
    let lines: Vec<String> =
        BufReader::new(logs.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["line 1", "line 2", "line 3", "line 4", "line 5"]);
    assert!(logs.wait().unwrap().success());
    docker_ok(lab, machine, &["rm", "-f", "diary"]);
}

/// `docker cp` in and out, of a file as large as all that lies between.
fn files_are_copied(lab: &Lab, machine: &str) {
    let (there, back) = (lab.path().join("there"), lab.path().join("back"));
    std::fs::write(&there, noise(LARGE)).unwrap();
    let sleep = [&["run", "-d", "--name", "box"], &SHELL[..2], &["sleep", "1000"]].concat();
    docker_ok(lab, machine, &sleep);
    let text = |path: &std::path::Path| path.display().to_string();
    docker_ok(lab, machine, &["cp", &text(&there), "box:/file"]);
    docker_ok(lab, machine, &["cp", "box:/file", &text(&back)]);
    assert!(std::fs::read(&there).unwrap() == std::fs::read(&back).unwrap());
    docker_ok(lab, machine, &["rm", "-f", "box"]);
}

fn images_are_saved_and_loaded(lab: &Lab, machine: &str) {
    let id = docker_ok(lab, machine, &["image", "inspect", "-f", "{{.Id}}", "bb"]);
    docker_ok(lab, machine, &["tag", "bb", "saved:1"]);
    let mut save = docker(lab, machine);
    let saved = save.args(["save", "saved:1"]).output().unwrap();
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    docker_ok(lab, machine, &["rmi", "saved:1"]);
    let said = fed(docker(lab, machine).args(["load"]), &saved.stdout);
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("Loaded image: saved:1"), "{said}");
    assert_eq!(docker_ok(lab, machine, &["image", "inspect", "-f", "{{.Id}}", "saved:1"]), id);
    docker_ok(lab, machine, &["rmi", "saved:1"]);
}

/// The classic builder takes a tar archive as the body of a request and answers while it reads. (What
/// the client's newer plug-in does is another program's matter, and it may not be installed.)
fn an_image_is_built(lab: &Lab, machine: &str) {
    let context = lab.path().join("context");
    std::fs::create_dir_all(&context).unwrap();
    std::fs::write(context.join("payload"), noise(1 << 20)).unwrap();
    let file = "FROM bb\nCOPY payload /payload\n\
                RUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox wc -c < /payload > /size\"]\n\
                CMD [\"/bin/busybox\", \"cat\", \"/size\"]\n";
    std::fs::write(context.join("Dockerfile"), file).unwrap();
    let mut build = docker(lab, machine);
    build.args(["build", "-q", "-t", "built"]).arg(&context).env("DOCKER_BUILDKIT", "0");
    let built = run(&mut build);
    assert_eq!(built.code, Some(0), "{}{}", built.stdout, built.stderr);
    assert_eq!(docker_ok(lab, machine, &["run", "--rm", "built"]), "1048576\n");
    docker_ok(lab, machine, &["rmi", "-f", "built"]);
}

/// A stream without an end, which the client cuts off; the Engine answers the next one.
fn events_are_cut_off_by_the_client(lab: &Lab, machine: &str) {
    for _ in 0..5 {
        let mut events = piped(docker(lab, machine).args(["events", "--since", "1"]));
        let mut first = String::new();
        BufReader::new(events.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        events.kill().unwrap();
        events.wait().unwrap();
    }
    docker_ok(lab, machine, &["ps"]);
}

fn piped(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.spawn().unwrap()
}

/// Runs a command on some input, closes that, and returns what it printed.
fn fed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = piped(command);
    let mut stdin = child.stdin.take().unwrap();
    let mut output = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    });
    assert!(child.wait().unwrap().success());
    output
}

/// Bytes that compress badly, always the same.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(length / 8).flatten().collect();
    bytes.truncate(length);
    bytes
}
