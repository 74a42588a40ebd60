use std::io;

use super::{busybox, files, module_lists, modules, text};
use crate::tree::{Entry, Node, Tree};

/// Turns the unpacked packages into the root file system of the guest.
pub fn root_tree(
    mut root: Tree,
    kernel: &Tree,
    release: &str,
    docker: &str,
    version: &str,
) -> io::Result<Tree> {
    users(&mut root)?;
    directories(&mut root);
    configuration(&mut root, docker, version)?;
    let names: Vec<&str> = [
        module_lists::STORAGE,
        module_lists::NETWORK,
        module_lists::ENGINE,
        module_lists::HYPERVISOR,
        module_lists::FILE_SYSTEMS,
    ]
    .concat();
    modules::install(kernel, release, &names, &mut root)?;
    busybox::link(&mut root);
    for (path, mode, content) in files::ROOT {
        root.insert(path, Entry::file(*mode, text(*content)));
    }
    Ok(root)
}

/// What the packages base-passwd, openssh-server, chrony and docker.io would add, with boot2docker's
/// user `docker` (1000, group 50).
const USERS: &str = "\
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
_chrony:x:105:105::/var/lib/chrony:/usr/sbin/nologin
dockremap:x:102:102::/nonexistent:/usr/sbin/nologin
docker:x:1000:50:Docker:/home/docker:/bin/bash
";
const GROUPS: &str = "docker:x:103:docker\ndockremap:x:102:\n_ssh:x:104:\n_chrony:x:105:\n";

fn users(root: &mut Tree) -> io::Result<()> {
    let passwd =
        content(root, "usr/share/base-passwd/passwd.master")?.replace(":*:", ":x:") + USERS;
    let group = content(root, "usr/share/base-passwd/group.master")? + GROUPS;
    let shadow: String = passwd
        .lines()
        .filter_map(|line| line.split(':').next())
        .fold(String::new(), |all, user| all + user + ":*:20000:0:99999:7:::\n");
    write(root, "etc/passwd", passwd);
    write(root, "etc/group", group);
    root.insert("etc/shadow", Entry::file(0o640, text(shadow)).owned_by(0, 42));
    write(root, "etc/subuid", "dockremap:165536:65536\n");
    write(root, "etc/subgid", "dockremap:165536:65536\n");
    Ok(())
}

fn directories(root: &mut Tree) {
    for path in ["var/lib/docker", "var/lib/boot2docker", "var/lib/containerd", "mnt", "run"] {
        root.insert(path, Entry::dir(0o755));
    }
    for path in ["dev", "proc", "sys", "etc/machine"] {
        root.insert(path, Entry::dir(0o755));
    }
    root.insert("tmp", Entry::dir(0o1777));
    root.insert("root", Entry::dir(0o700));
    root.insert("var/lib/chrony", Entry::dir(0o755).owned_by(105, 105));
    root.insert("home/docker", Entry::dir(0o755).owned_by(1000, 50));
    root.insert("home/docker/.ssh", Entry::dir(0o700).owned_by(1000, 50));
    root.remove("var/run");
    root.insert("var/run", Entry::symlink("../run"));
}

fn configuration(root: &mut Tree, docker: &str, version: &str) -> io::Result<()> {
    let profile = content(root, "usr/share/base-files/profile")?;
    write(root, "etc/profile", profile);
    write(
        root,
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n\
         protocols: files\nservices: files\n",
    );
    for family in ["iptables", "ip6tables"] {
        for part in ["", "-save", "-restore"] {
            let link = format!("usr/sbin/{family}{part}");
            root.remove(&link);
            root.insert(&link, Entry::symlink("xtables-nft-multi"));
        }
    }
    write(root, "etc/ssl/certs/ca-certificates.crt", certificates(root));
    root.remove("etc/os-release");
    write(
        root,
        "etc/os-release",
        format!(
            "NAME=Boot2Docker\nVERSION={docker}\nID=boot2docker\nID_LIKE=debian\n\
             VERSION_ID={docker}\nPRETTY_NAME=\"Boot2Docker {docker} (machine)\"\n\
             IMAGE_VERSION={version}\n"
        ),
    );
    write(root, "etc/hostname", "boot2docker\n");
    write(
        root,
        "etc/hosts",
        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 boot2docker\n",
    );
    // Debian's own include files that a maintainer script would make; who may use sudo at all is
    // said in sudoers.
    let pam = "auth sufficient pam_permit.so\naccount required pam_permit.so\n\
               session required pam_permit.so\n";
    for service in ["sudo", "sudo-i", "other"] {
        write(root, &format!("etc/pam.d/{service}"), pam);
    }
    write(root, "etc/shells", "/bin/sh\n/bin/bash\n/usr/bin/bash\n");
    write(root, "etc/resolv.conf", "");
    root.remove("etc/mtab");
    root.insert("etc/mtab", Entry::symlink("/proc/self/mounts"));
    write(root, "etc/machine/engine-modules", module_lists::AT_BOOT);
    Ok(())
}

/// All certificates of the package ca-certificates, in the order of their names.
fn certificates(root: &Tree) -> String {
    let certificate = |(path, entry): (&str, &Entry)| match &entry.node {
        Node::File(content) if path.starts_with("usr/share/ca-certificates/mozilla/") => {
            Some(String::from_utf8_lossy(content).into_owned())
        }
        _ => None,
    };
    root.iter().filter_map(certificate).collect()
}

fn content(root: &Tree, path: &str) -> io::Result<String> {
    let bytes =
        root.file(path).ok_or_else(|| io::Error::other(format!("no package brought `{path}`")))?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn write(root: &mut Tree, path: &str, content: impl Into<String>) {
    root.insert(path, Entry::file(0o644, text(content)));
}
