use std::time::Duration;

/// Reads `90s`, `30m`, `4h`, `2d`, or several of them: `1h30m`.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: 30m, 4h, 2d, 1h30m");
    let mut total = 0_u64;
    let mut number = String::new();
    for c in text.trim().chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = number.parse().map_err(|_| wrong())?;
        total = count
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds))
            .filter(|seconds| *seconds < 10_000 * 86_400)
            .ok_or_else(wrong)?;
        number.clear();
    }
    match number.is_empty() && total > 0 {
        true => Ok(Duration::from_secs(total)),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [("90s", 90), ("4h", 14_400), ("1h30m", 5400), ("2d", 172_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in ["", "4", "h", "4x", "0h", "-1h", "99999999999999999999h", "1h3"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
