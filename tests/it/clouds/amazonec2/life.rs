use std::process::Command;

use super::super::faults::{Figures, every_call_goes_wrong};
use super::super::measured;
use super::moto::Moto;
use super::subject;
use crate::lab::run;

const NOTHING: [&str; 0] = [];

type Scene = super::super::scene::Scene<Moto>;

impl Scene {
    fn new() -> Option<Self> {
        Some(Self::of(Moto::serve()?, subject))
    }

    /// The parameters of all calls of an action.
    fn calls(&self, action: &str) -> Vec<Vec<(String, String)>> {
        let forms = self.server.fake(|moto| moto.forms.clone());
        forms.into_iter().filter(|it| value(it, "Action") == action).collect()
    }

    fn is_right(&self) {
        assert_eq!(self.server.fake(|moto| moto.faults.clone()), NOTHING);
    }
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

#[test]
fn a_machine_lives_and_leaves_nothing() {
    let Some(scene) = Scene::new() else { return };
    let made = scene.create(&["--amazonec2-open-port", "8080", "--amazonec2-tags", "team,a"]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}{}", made.stdout, made.stderr);
    let launch = &scene.calls("RunInstances")[0];
    for (name, expected) in [
        ("InstanceType", "t3.micro"),
        ("MetadataOptions.HttpTokens", "required"),
        ("MetadataOptions.HttpPutResponseHopLimit", "2"),
        ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true"),
        ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
        ("BlockDeviceMapping.1.Ebs.VolumeSize", "16"),
        ("NetworkInterface.1.AssociatePublicIpAddress", "true"),
    ] {
        assert_eq!(value(launch, name), expected, "{name}");
    }
    for (number, kind) in ["instance", "volume", "network-interface"].iter().enumerate() {
        let list = format!("TagSpecification.{}", number + 1);
        assert_eq!(value(launch, &format!("{list}.ResourceType")), *kind);
        let has =
            |wish: &str| launch.iter().any(|(key, value)| key.starts_with(&list) && value == wish);
        assert!(["machine-store", "machine-name", "m1", "team"].into_iter().all(has), "{launch:?}");
    }
    let rules = &scene.calls("AuthorizeSecurityGroupIngress")[0];
    let sources: Vec<&str> =
        rules.iter().filter(|(key, _)| key.contains("Cidr")).map(|(_, it)| it.as_str()).collect();
    let caller = sources.iter().filter(|it| **it == "203.0.113.7/32").count();
    assert_eq!((caller, sources.len()), (3, 5), "only the user's own port is for all: {rules:?}");

    let record = scene.record();
    let driver = &record["Driver"];
    assert_eq!(driver["SecretKey"], "env:AWS_SECRET_ACCESS_KEY");
    assert_eq!(driver["IPAddress"], "127.0.0.1");
    let private = driver["PrivateIPAddress"].as_str().unwrap().parse::<std::net::Ipv4Addr>();
    assert!(private.unwrap().is_private(), "{driver}");
    assert!(driver["AMI"].as_str().unwrap().starts_with("ami-"), "{driver}");

    let removed = scene.run(&["rm", "-y", "m1"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
    scene.is_right();
}

#[test]
fn to_whom_it_is_opened_is_known_before_anything_is_made() {
    let Some(scene) = Scene::new() else { return };
    subject(&scene.server).openings_are_checked();
}

#[test]
fn what_cannot_work_is_found_before_anything_is_made() {
    let Some(scene) = Scene::new() else { return };
    for (args, message) in [
        (
            &["--amazonec2-instance-type", "t3.mirco"][..],
            "did you mean `--amazonec2-instance-type t3.micro`?",
        ),
        (&["--amazonec2-ami", "ami-00000000000000000"], "not found on region us-east-1"),
        (&["--amazonec2-ami", "windows"], "`windows` is no image"),
        (&["--amazonec2-zone", "us-east-1z"], "there is no zone `us-east-1z`"),
        (&["--amazonec2-subnet-id", "subnet-0123456789abcdef0"], "there is no subnet"),
        (
            &["--amazonec2-keypair-name", "x", "--amazonec2-ssh-keypath", "/dev/null"],
            "SSH key does not exist",
        ),
        (&["--amazonec2-keypair-name", "x"], "also requires --amazonec2-ssh-keypath"),
        (&["--amazonec2-root-size", "0"], "--amazonec2-root-size"),
        (&["--amazonec2-open-port", "http"], "`http` is no port"),
        (&["--amazonec2-http-tokens", "maybe"], "there is no choice `maybe`"),
    ] {
        let made = scene.create(args);
        assert_eq!(made.code, Some(3), "{args:?}: {}", made.stderr);
        assert!(made.stderr.contains(message), "{args:?}: {}", made.stderr);
        assert!(scene.lab.machine_files().is_empty(), "{args:?}");
    }
    let mut wrong = scene.machine(&["create", "-d", "amazonec2", "m1"]);
    let made = run(wrong.env("AWS_SECRET_ACCESS_KEY", "not/a+secret"));
    assert_eq!(made.code, Some(3), "{}", made.stderr);
    assert!(
        made.stderr.contains("AuthFailure") || made.stderr.contains("Signature"),
        "{}",
        made.stderr
    );
    assert!(!made.stderr.contains("not/a+secret"), "{}", made.stderr);
    assert_eq!(scene.server.left(), NOTHING);
    // What the user wrote is passed on as it is.
    let faults = scene.server.fake(|moto| moto.faults.clone());
    assert!(faults.iter().all(|it| it.contains("`t3.mirco` is no")), "{faults:?}");
}

#[test]
fn a_group_of_the_users_stays_as_it_is() {
    let Some(scene) = Scene::new() else { return };
    let made = scene.create(&["--amazonec2-security-group", "default"]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}{}", made.stdout, made.stderr);
    assert!(scene.calls("AuthorizeSecurityGroupIngress").is_empty());
    assert!(scene.calls("CreateSecurityGroup").is_empty());
    let removed = scene.run(&["rm", "-y", "m1"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert!(scene.calls("DeleteSecurityGroup").is_empty());
    scene.is_right();
}

#[test]
fn a_spot_instance_with_the_forks_options() {
    let Some(scene) = Scene::new() else { return };
    let made = scene.create(&[
        "--amazonec2-request-spot-instance",
        "--amazonec2-spot-price",
        "0.02",
        "--amazonec2-encrypt-ebs-volume",
        "--amazonec2-monitoring",
        "--amazonec2-use-private-address",
        "--amazonec2-http-tokens",
        "optional",
    ]);
    assert!(!scene.calls("RunInstances").is_empty(), "{}", made.stderr);
    let launch = &scene.calls("RunInstances")[0];
    for (name, expected) in [
        ("InstanceMarketOptions.MarketType", "spot"),
        ("InstanceMarketOptions.SpotOptions.MaxPrice", "0.02"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("Monitoring.Enabled", "true"),
        ("MetadataOptions.HttpTokens", "optional"),
    ] {
        assert_eq!(value(launch, name), expected, "{name}");
    }
    let driver = &scene.record()["Driver"];
    assert_eq!(driver["IPAddress"], driver["PrivateIPAddress"]);
    let removed = scene.run(&["rm", "-y", "m1"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
    scene.is_right();
}

#[test]
fn a_profile_of_the_aws_tools_will_do() {
    let Some(scene) = Scene::new() else { return };
    let (key, secret) = scene.server.fake(|moto| moto.key.clone());
    let home = scene.lab.path().join("aws-home");
    std::fs::create_dir_all(home.join(".aws")).unwrap();
    let text = format!("[work]\naws_access_key_id={key}\naws_secret_access_key={secret}\n");
    std::fs::write(home.join(".aws/credentials"), text).unwrap();
    let with_profile = |args: &[&str]| {
        let mut command = scene.machine(args);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env("AWS_SHARED_CREDENTIALS_FILE", home.join(".aws/credentials"));
        run(&mut command)
    };
    let made = with_profile(&[
        "create",
        "-d",
        "amazonec2",
        "--amazonec2-ssh-port",
        "9",
        "--amazonec2-profile",
        "work",
        "m1",
    ]);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}{}", made.stdout, made.stderr);
    let text = scene.record().to_string();
    assert!(!text.contains(&secret) && !text.contains(&key), "{text}");
    let removed = with_profile(&["rm", "-y", "m1"]);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
}

/// moto refuses a session's key without its token, and a signature that does not cover it.
#[test]
fn a_session_signs_its_token() {
    let Some(scene) = Scene::new() else { return };
    let (key, secret, token) = scene.server.fake(|moto| moto.session.clone());
    let with_token = |mut command: Command, token: &str| {
        command.env("AWS_ACCESS_KEY_ID", &key).env("AWS_SECRET_ACCESS_KEY", &secret);
        run(command.env("AWS_SESSION_TOKEN", token))
    };
    for wrong in ["", "another"] {
        let refused = with_token(subject(&scene.server).create(&scene.lab), wrong);
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        assert!(!refused.stderr.contains(&secret), "{}", refused.stderr);
    }
    scene.server.fake(|moto| moto.signatures.clear());
    let made = with_token(subject(&scene.server).create(&scene.lab), &token);
    assert!(made.stderr.contains("the step `ssh` failed"), "{}{}", made.stdout, made.stderr);
    let signatures = scene.server.fake(|moto| moto.signatures.clone());
    assert!(signatures.len() > 3, "{signatures:?}");
    for signature in signatures {
        let headers = signature.split("SignedHeaders=").nth(1).and_then(|it| it.split(',').next());
        let is_signed = headers.is_some_and(|it| it.split(';').any(|it| it == TOKEN_HEADER));
        assert!(is_signed, "{signature}");
    }
    let text = scene.record().to_string();
    assert!(text.contains("env:AWS_SESSION_TOKEN") && !text.contains(&token), "{text}");
    let removed = with_token(scene.machine(&["rm", "-y", "m1"]), &token);
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(scene.server.left(), NOTHING);
}

const TOKEN_HEADER: &str = "x-amz-security-token";

#[test]
fn a_hundred_machines_at_once_are_refused_nothing() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let Some(scene) = Scene::new() else { return };
    let calls = subject(&scene.server).makes_a_hundred();
    assert_eq!(scene.server.fake(|moto| moto.instances().len()), 100);
    for (call, most) in [
        ("RunInstances", 100),
        ("ImportKeyPair", 100),
        ("CreateSecurityGroup", 1),
        ("DescribeSubnets", 100),
        // Asked for all of them once a second: fewer questions than machines.
        ("DescribeInstances", 99),
    ] {
        assert!(calls[call] <= most, "{call}: {calls:?}");
    }
}

#[test]
fn every_call_goes_wrong_and_nothing_is_left() {
    if crate::lab::in_a_hurry() || Moto::start().is_none() {
        return;
    }
    let moto = || Moto::start().expect("there was one a moment ago");
    let Figures { faults, calls, needless } = every_call_goes_wrong(moto, subject);
    measured(&format!(
        "amazonec2: {faults} faults in {calls} calls, no orphan, {needless} needless"
    ));
    assert_eq!(needless, 0);
    assert!(faults > 60, "{faults}");
}

#[test]
fn one_that_was_switched_off_half_made_is_switched_on() {
    let Some(scene) = Scene::new() else { return };
    scene.carries_on_with_one_that_is_off();
}
