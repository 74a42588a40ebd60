use machine_driver::{Error, Result};
use ring::rand::{SecureRandom, SystemRandom};

/// A random UUID (version 4) in lower-case hexadecimal, as VirtualBox writes them.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| Error::other("the system gives no random numbers"))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = machine_driver::file::hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// A random MAC address with VirtualBox's prefix: twelve upper-case hexadecimal digits.
pub(crate) fn random_mac() -> Result<String> {
    Ok(format!("080027{}", random()?[..6].to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert_ne!(one, two);
        assert_eq!((one.len(), &one[14..15], one.matches('-').count()), (36, "4", 4));
        let mac = random_mac().unwrap();
        assert!(mac.len() == 12 && mac.starts_with("080027"), "{mac}");
    }
}
