//! A real SSH host, provisioned and used by the program for Windows.

use std::process::Stdio;

use super::lab::{Wine, windows_path};
use crate::hosts::{Base, Host, key};
use crate::lab::run;

/// From `create` to `rm`; in between the Engine answers through a named pipe: several clients at once,
/// again after the first have gone, and one that ends its half of the conversation.
#[test]
fn a_host_is_provisioned_and_its_engine_answers_through_a_named_pipe() {
    let Some(wine) = Wine::new() else { return };
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let wine = wine.among_hosts();
    let create = ["create", "-d", "generic", "--generic-ip-address", &host.address];
    let key = windows_path(&key());
    wine.ok(&[&create[..], &["--generic-ssh-key", &key, "m1"]].concat());
    let listed = wine.ok(&["ls", "-f", "{{.Name}} {{.State}} {{.DockerVersion}}"]);
    assert_eq!(listed, "m1 Running v20.10.24+dfsg1\n");

    // Wine passes the Unix descriptor 2 on to everything that it starts; the others are ours to keep.
    let mut env = wine.command(&["env", "--shell", "cmd", "--via", "socket", "m1"]);
    let env = env.stderr(Stdio::null()).output().unwrap();
    let env = String::from_utf8(env.stdout).unwrap();
    let url = env.lines().find_map(|line| line.strip_prefix("SET DOCKER_HOST=")).unwrap();
    assert!(url.starts_with("npipe:////./pipe/machine-") && url.ends_with("-m1"), "{env}");
    let pipe = url.strip_prefix("npipe://").unwrap().replace('/', "\\");
    let ping = wine.file("ping", "GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n");
    for _ in 0..2 {
        std::thread::scope(|scope| {
            let clients = [(); 3].map(|()| wine.stand_in("pipe", &[&pipe, &ping]));
            let clients = clients.map(|mut client| scope.spawn(move || run(&mut client)));
            for client in clients {
                let answer = client.join().unwrap();
                assert_eq!(answer.code, Some(0), "{}{}", answer.stdout, answer.stderr);
                assert!(answer.stdout.starts_with("HTTP/1.0 200"), "{}", answer.stdout);
                assert!(answer.stdout.ends_with("\r\n\r\nOK"), "{}", answer.stdout);
            }
        });
    }
    input_has_an_end(&wine, &host, &pipe);

    wine.ok(&["rm", "-y", "m1"]);
    let gone = run(&mut wine.stand_in("pipe", &[&pipe, &ping]));
    assert_eq!(gone.stdout.trim(), "no pipe: error 2", "ERROR_FILE_NOT_FOUND of winerror.h");
}

/// `docker run -i <FILE`: the container reads to the end, and what it then writes still arrives.
fn input_has_an_end(wine: &Wine, host: &Host, pipe: &str) {
    host.says(
        "cd / && tar -ch usr/bin/wc lib64/ld-linux-x86-64.so.2 lib/x86_64-linux-gnu/libc.so.6 | \
         docker import - wc && docker create -i --name count wc /usr/bin/wc -c && \
         docker start count",
    );
    // https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
    let attach = wine.file(
        "attach",
        "POST /containers/count/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: engine\r\n\
         Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    );
    let input = wine.file("input", &"all of it\n".repeat(10_000));
    let answer = run(&mut wine.stand_in("pipe", &[pipe, &attach, &input]));
    assert_eq!(answer.code, Some(0), "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stdout.starts_with("HTTP/1.1 101"), "{}", &answer.stdout[..200]);
    assert!(answer.stdout.ends_with("100000\n"), "{}", answer.stdout);
    assert_eq!(host.says("docker wait count"), "0\n");
}
