//! The driver's whole life against a `VBoxManage`: the stand-in here, or the real one where
//! `MACHINE_REAL_VIRTUALBOX` names its directory (`scripts/virtualbox-lab` does that).

mod calls;
mod guest;
mod lab;
mod many;

use machine_driver::{Driver, Forward, Kind, State};
use machine_driver_virtualbox::kind;

use lab::{Guests, Lab};

/// All tests in one, since there is one VirtualBox.
#[tokio::test]
async fn the_life_of_machines() {
    let Some(lab) = Lab::new(&Guests::Real) else { return };
    behind_nat(&lab).await;
    without_its_settings(&lab).await;
    on_the_host_only_network(&lab).await;
    calls::are_those_of_the_transcripts(&lab);
}

async fn behind_nat(lab: &Lab) {
    let cx = lab.context("m1");
    let share = lab.path().join("shared");
    std::fs::create_dir_all(&share).unwrap();
    let mut machine = lab::configure(
        &cx,
        &[
            ("virtualbox-network", "nat"),
            ("virtualbox-memory", "64"),
            ("virtualbox-disk-size", "20000"),
            ("virtualbox-share-folder", &format!("{}:mine", share.display())),
        ],
    );
    machine.pre_create_check(&cx).await.unwrap();
    machine.reserve(&cx).await.unwrap();
    let endpoint = machine.endpoint();
    assert!(endpoint.docker_url.unwrap().starts_with("tcp://127.0.0.1:"));
    machine.create(&cx, &lab.birth()).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Running);
    let disk = cx.machine_dir.join("disk.vmdk").metadata().unwrap().len();
    assert!(disk < 8 << 20, "20 GB take {disk} bytes");

    let info = lab.info(&*machine);
    let ssh = endpoint.ssh.unwrap().port;
    for line in [
        format!("=\"ssh,tcp,127.0.0.1,{ssh},,22\""),
        format!("=\"{}\"", share.display()),
        format!("\"SATA-1-0\"=\"{}\"", cx.machine_dir.join("disk.vmdk").display()),
        "boot1=\"dvd\"".to_owned(),
    ] {
        assert!(info.contains(&line), "no {line} in {info}");
    }

    // Again, as after a crash: what is done is not done again.
    let again = kind().load(machine.record()).unwrap();
    machine = again;
    machine.create(&cx, &lab.birth()).await.unwrap();

    let wanted = Forward { host: "127.0.0.1".into(), host_port: 0, guest_port: 80 };
    let forward = machine.forwards().unwrap().add(&cx, wanted).await.unwrap();
    assert!(lab.info(&*machine).contains(&format!("127.0.0.1,{},,80", forward.host_port)));
    std::net::TcpStream::connect(("127.0.0.1", forward.host_port)).expect("the forward listens");
    machine.forwards().unwrap().remove(&cx, forward.host_port).await.unwrap();
    assert!(!lab.info(&*machine).contains(&format!("127.0.0.1,{},,80", forward.host_port)));

    lab.manage(&["controlvm", &lab::id(&*machine), "pause"]);
    assert_eq!(machine.state(&cx).await.unwrap(), State::Paused);
    machine.start(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Running);

    machine.suspend(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Saved);
    machine.stop(&cx).await.unwrap_err();
    machine.start(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Running);
    machine.suspend(&cx).await.unwrap();
    machine.kill(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Stopped);

    // The guest sees the button once its firmware is through.
    machine.start(&cx).await.unwrap();
    machine.stop(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Stopped);
    assert_eq!(lab.warnings(), [] as [String; 0], "the guest has obeyed");

    // Cut off from outside, and started again on another port, for somebody has taken its own.
    machine.start(&cx).await.unwrap();
    lab.kill_processes(&lab::id(&*machine));
    assert_eq!(machine.state(&cx).await.unwrap(), State::Stopped, "aborted");
    let taken = std::net::TcpListener::bind(("127.0.0.1", ssh)).unwrap();
    machine.start(&cx).await.unwrap();
    assert_ne!(machine.endpoint().ssh.unwrap().port, ssh);
    assert_eq!(lab.warnings().len(), 1, "{:?}", lab.warnings());
    drop(taken);
    let all = kind().states(&[(&cx, &*machine)]).await;
    assert_eq!(*all[0].as_ref().unwrap(), State::Running);

    machine.remove(&cx).await.unwrap();
    machine.remove(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Missing);
    lab.has_nothing_left(&cx);
}

/// Somebody has deleted a machine's directory under VirtualBox's hands, which then complains of it
/// whatever it is asked.
async fn without_its_settings(lab: &Lab) {
    let (cx, other) = (lab.context("m2"), lab.context("m3"));
    let nat = ("virtualbox-network", "nat");
    let mut machines = Vec::new();
    for cx in [&cx, &other] {
        let mut machine = lab::configure(cx, &[nat, ("virtualbox-memory", "64")]);
        machine.reserve(cx).await.unwrap();
        machine.create(cx, &lab.birth()).await.unwrap();
        machine.kill(cx).await.unwrap();
        machines.push(machine);
    }
    std::fs::remove_dir_all(cx.machine_dir.join("m2")).unwrap();
    if lab.is_real {
        // Its service looks at the files when it starts, and ends when nobody has asked for a while.
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    }
    let states = kind().states(&[(&cx, &*machines[0]), (&other, &*machines[1])]).await;
    let states: Vec<State> = states.into_iter().map(Result::unwrap).collect();
    assert_eq!(states, [State::Error, State::Stopped]);
    for (machine, cx) in machines.iter_mut().zip([&cx, &other]) {
        machine.remove(cx).await.unwrap();
        lab.has_nothing_left(cx);
    }
}

/// Two machines share an interface that goes with the last of them. Where the kernel driver is
/// missing they come as far as their start.
async fn on_the_host_only_network(lab: &Lab) {
    let mut machines: Vec<(machine_driver::Context, Box<dyn Driver>)> = Vec::new();
    for name in ["h1", "h2"] {
        let cx = lab.context(name);
        let mut machine =
            lab::configure(&cx, &[("virtualbox-memory", "64"), ("virtualbox-no-share", "true")]);
        machine.pre_create_check(&cx).await.unwrap();
        machine.reserve(&cx).await.unwrap();
        let created = machine.create(&cx, &lab.birth()).await;
        match (lab.is_real, created) {
            (false, created) => created.unwrap(),
            (true, created) => {
                let error = created.unwrap_err();
                assert!(error.one_line().contains("VERR_SUP_DRIVERLESS"), "{}", error.one_line());
            }
        }
        assert_eq!(lab.interfaces(), 1, "the second machine uses the first one's");
        assert!(lab.info(&*machine).contains("hostonlyadapter2=\"vboxnet0\""));
        machines.push((cx, machine));
    }
    assert!(lab.manage(&["list", "hostonlyifs"]).contains("192.168.59.1"));
    for (left, (cx, machine)) in machines.iter_mut().enumerate() {
        machine.remove(cx).await.unwrap();
        assert_eq!(lab.interfaces(), 1 - left);
        lab.has_nothing_left(cx);
    }
    let servers = lab.manage(&["list", "dhcpservers"]);
    assert!(!servers.contains("192.168.59"), "{servers}");
    let marks = lab.manage(&["getextradata", "global", "machine/HostOnly/vboxnet0"]);
    assert_eq!(marks.trim(), "No value set!");
}
