use super::StoreError;

/// Checks a machine name by docker-machine's rule, `^[a-zA-Z0-9][a-zA-Z0-9\-\.]*$`, and by what a
/// host name may be: at most 63 bytes.
pub fn check_name(name: &str) -> Result<(), StoreError> {
    let why = if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        "a name starts with a letter or a digit"
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        "allowed are the letters a-z and A-Z, digits, `.` and `-`"
    } else if name.len() > 63 {
        "a name has at most 63 characters, since it is the machine's host name"
    } else {
        return Ok(());
    };
    Err(StoreError::Name { name: name.to_owned(), why })
}

/// Whether a name stays within the directory of the machines. docker-machine has made machines with
/// names that we would refuse to make, such as very long ones, and they can be used.
pub fn is_directory_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::{check_name, is_directory_name};

    #[test]
    fn names_that_leave_the_store_name_no_machine() {
        for bad in ["", ".", "..", "../x", "a/b", r"a\b", ".hidden"] {
            assert!(!is_directory_name(bad), "{bad}");
        }
        assert!(is_directory_name(&"x".repeat(100)));
    }

    #[test]
    fn names_that_could_leave_the_store_are_refused() {
        for good in ["a", "lab1", "Lab-1.example", "0"] {
            check_name(good).unwrap();
        }
        for bad in ["", "..", ".a", "-f", "a/b", "a b", "ü", "a_b", &"x".repeat(64)] {
            check_name(bad).unwrap_err();
        }
    }
}
