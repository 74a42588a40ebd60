//! Many machines, and other versions, with guests that only seem to run.

use std::collections::BTreeSet;

use machine_driver::State;

use crate::lab::{self, Guests, Lab};

/// VirtualBox gives no answer that helps if two change what is everybody's at once. Ten machines that
/// are made at once nevertheless all come to be, on one interface and with ports of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_at_once() {
    let Some(lab) = Lab::new(&Guests::Pretended("7.2.22")) else { return };
    let lab = &lab;
    let make = |number: usize| async move {
        let cx = lab.context(&format!("m{number}"));
        let mut machine = lab::configure(&cx, &[("virtualbox-no-share", "true")]);
        machine.pre_create_check(&cx).await.unwrap();
        machine.reserve(&cx).await.unwrap();
        machine.create(&cx, &lab.birth()).await.unwrap();
        (cx, machine)
    };
    let mut machines = futures_util::future::join_all((0..10).map(make)).await;
    assert_eq!(lab.interfaces(), 1);
    let ports: BTreeSet<u16> =
        machines.iter().map(|(_, machine)| machine.endpoint().ssh.unwrap().port).collect();
    assert_eq!(ports.len(), 10);
    let remove =
        |(cx, machine): &mut (machine_driver::Context, Box<dyn machine_driver::Driver>)| {
            let (cx, machine) = (cx.clone(), std::mem::replace(machine, lab::configure(cx, &[])));
            async move {
                let mut machine = machine;
                machine.remove(&cx).await.unwrap();
                lab.has_nothing_left(&cx);
            }
        };
    futures_util::future::join_all(machines.iter_mut().map(remove)).await;
    assert_eq!(lab.interfaces(), 0);
}

/// Options that a version does not know are an error of it.
#[tokio::test]
async fn older_versions() {
    for version in ["6.1.50r161033", "7.0.26r168464", "7.1.12r169651"] {
        let Some(lab) = Lab::new(&Guests::Pretended(version)) else { return };
        let cx = lab.context("m1");
        let mut machine = lab::configure(&cx, &[("virtualbox-no-share", "true")]);
        machine.pre_create_check(&cx).await.unwrap();
        machine.reserve(&cx).await.unwrap();
        machine.create(&cx, &lab.birth()).await.unwrap();
        assert_eq!(machine.state(&cx).await.unwrap(), State::Running, "{version}");
        machine.remove(&cx).await.unwrap();
        lab.has_nothing_left(&cx);
    }
}
