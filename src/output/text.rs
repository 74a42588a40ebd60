//! Small pieces of text.

use std::time::Duration;

/// As Go prints a duration rounded to milliseconds: `1ms`, `1.5s`, `1m2s`.
pub fn go_duration(duration: Duration) -> String {
    let milliseconds = (duration.as_micros() + 500) / 1000;
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    if milliseconds < 1000 {
        return format!("{milliseconds}ms");
    }
    let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
    let mut seconds = format!("{}.{:03}", rest / 1000, rest % 1000);
    seconds.truncate(seconds.trim_end_matches('0').trim_end_matches('.').len());
    if minutes > 0 { format!("{minutes}m{seconds}s") } else { format!("{seconds}s") }
}

/// For people, in the largest fitting unit: `3 hours`.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let go = |ms| go_duration(Duration::from_millis(ms));
        assert_eq!(
            [go(0), go(1), go(1500), go(2000), go(62_000)],
            ["0s", "1ms", "1.5s", "2s", "1m2s"]
        );
        assert_eq!(human_duration(Duration::from_secs(3600)), "1 hour");
        assert_eq!(human_duration(Duration::from_secs(59)), "59 seconds");
    }
}
