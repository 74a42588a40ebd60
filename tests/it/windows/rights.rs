//! Who may read the keys. Wine keeps no lists of rights, so stand-ins for Windows' programs hear what
//! they are asked and answer as Microsoft documents it.

use super::lab::{Wine, windows_path};

/// The user, the system and the administrators, by numbers that are the same in every language. What is
/// made inside inherits that.
#[test]
fn a_store_is_made_for_its_owner_alone() {
    let Some(wine) = Wine::new() else { return };
    let wine = wine.beside(&["whoami", "icacls", "cacls"]);
    let log = wine.lab.path().join("rights.log");
    let mut create = wine.command(&["create", "-d", "fake", "lab1"]);
    let created = crate::lab::run(create.env("RIGHTS_LOG", windows_path(&log)));
    assert_eq!(created.code, Some(0), "{}{}", created.stdout, created.stderr);
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    // The first directory of the store's path that was not there.
    assert_eq!(lines[0], windows_path(wine.store.parent().unwrap()));
    for asked in lines.chunks(7) {
        assert!(asked[0].starts_with(lines[0]), "{text}");
        assert_eq!(
            asked[1..],
            [
                "/inheritance:r",
                "/q",
                "/grant:r",
                "*S-1-5-18:(OI)(CI)F",
                "*S-1-5-32-544:(OI)(CI)F",
                "*S-1-5-21-1-2-3-1001:(OI)(CI)F",
            ],
            "{text}"
        );
    }
}

#[test]
fn doctor_names_a_key_that_others_can_read() {
    let Some(wine) = Wine::new() else { return };
    let wine = wine.beside(&["whoami", "icacls", "cacls"]);
    wine.ok(&["create", "-d", "fake", "lab1"]);
    let doctor = |sddl: &str| {
        let mut doctor = wine.command(&["doctor"]);
        crate::lab::run(doctor.env("RIGHTS_SDDL", sddl)).stdout
    };
    let private = doctor("D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1001)");
    assert!(!private.contains("can be read by others"), "{private}");
    let open = doctor("D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)");
    assert!(open.contains("can be read by others: BU"), "{open}");
    assert!(open.contains("icacls "), "{open}");
}
