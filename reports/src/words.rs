//! How quantities are said to people: one way for the page, the summary and the plots.
//!
//! Here: durations, counts and shares as text, and text made safe for HTML and XML. Not here: where
//! they are said (`page`, `summary`, `junit`).

use bigchaindb_simulator::measure::Percentiles;

/// A duration given in microseconds with about three significant digits: `850 µs`, `4.21 ms`,
/// `12.3 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", three_digits(us, 1_000)),
        1_000_000..60_000_000 => format!("{} s", three_digits(us, 1_000_000)),
        _ => {
            // Rounded before it is split, so that 119.9 s is two minutes and not "1 min 60 s".
            let seconds = us / 1_000_000 + u64::from(us % 1_000_000 >= 500_000);
            match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
                (0, minutes, 0) => format!("{minutes} min"),
                (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
                (hours, 0, _) => format!("{hours} h"),
                (hours, minutes, _) => format!("{hours} h {minutes} min"),
            }
        }
    }
}

/// A number of bytes with about three significant digits: `512 B`, `4.21 KiB`, `37.0 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{} {name}", three_digits(bytes, *unit)),
        None => format!("{bytes} B"),
    }
}

/// A moment given in microseconds since the run began: `12.345 s`, as the observation log tells it.
pub(crate) fn moment(us: u64) -> String {
    format!("{}.{:03} s", us / 1_000_000, us / 1_000 % 1_000)
}

/// A whole number with a thin space between thousands: `12 345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 block`, `2 blocks`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Text from a run, safe between HTML or XML tags and inside quoted attributes.
///
/// Control characters that XML 1.0 cannot hold become U+FFFD; so do the ones that turn the
/// direction of a line around and could make a name read as another.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The text with every character that must not reach a page replaced; not yet escaped.
pub(crate) fn visible(text: &str) -> String {
    let seen = |character: char| match character {
        '\t' | '\n' | '\r' => character,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(seen).collect()
}

/// Text from a run as plain text within a line of Markdown, in a table or out of it.
pub(crate) fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\n' | '\r' | '\t' => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}

/// One of the figures of a distribution, microseconds.
pub(crate) type Of = fn(&Percentiles) -> u64;

/// A sentence with its long ids cut to what tells them apart: eight digits of sixty-four.
pub(crate) fn short_ids(text: &str) -> String {
    const DIGITS: usize = 64;
    const SHOWN: usize = 8;
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphanumeric()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        short.push_str(before);
        if word.len() == DIGITS && word.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            short.extend([&word[..SHOWN], "…"]);
        } else {
            short.push_str(word);
        }
        rest = after;
    }
    short + rest
}

/// A percentile, marked as a lower bound where it falls among those that never got there.
pub(crate) fn bounded(latency: &Percentiles, per_million: u64, us: u64) -> String {
    let sign = if is_bound(latency, per_million) { "≥\u{a0}" } else { "" };
    format!("{sign}{}", duration(us))
}

/// Whether a percentile falls among those that never got there.
pub(crate) fn is_bound(latency: &Percentiles, per_million: u64) -> bool {
    let there = u128::from(latency.count.saturating_sub(latency.censored));
    let wanted = u128::from(latency.count) * u128::from(per_million);
    wanted > there * 1_000_000
}

/// A moment as the day and time of day in UTC: `2016-09-01 00:00:00 UTC`.
pub(crate) fn date(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let (mut day, second) = (seconds / 86_400, seconds % 86_400);
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    // Whole cycles of 400 years first, so that no date takes long.
    let mut year = 1970 + day / DAYS_OF_400_YEARS * 400;
    day %= DAYS_OF_400_YEARS;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02} UTC", day + 1)
}

const DAYS_OF_400_YEARS: u64 = 146_097;

fn three_digits(us: u64, unit: u64) -> String {
    let thousandths = u128::from(us % unit) * 1_000 / u128::from(unit);
    let whole = us / unit;
    match whole {
        0..10 => format!("{whole}.{:02}", thousandths / 10),
        10..100 => format!("{whole}.{}", thousandths / 100),
        _ => whole.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_said_shortly() {
        let durations = "
            0         | 0 µs
            999       | 999 µs
            1000      | 1.00 ms
            4219      | 4.21 ms
            42190     | 42.1 ms
            999999    | 999 ms
            12345678  | 12.3 s
            59999999  | 59.9 s
            60000000  | 1 min
            119900000 | 2 min
            125000000 | 2 min 5 s
            12000000000 | 3 h 20 min
            18446744073709551615 | 5124095576 h 1 min
        ";
        for line in durations.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (us, said) = line.split_once('|').unwrap();
            assert_eq!(duration(us.trim().parse().unwrap()), said.trim());
        }
        assert_eq!(count(1_234_567).replace('\u{202f}', " "), "1 234 567");
        assert_eq!(count(999), "999");
        assert_eq!(
            [0, 1_023, 1_536, 38 << 20].map(bytes),
            ["0 B", "1023 B", "1.50 KiB", "38.0 MiB"]
        );
        assert_eq!(bytes(u64::MAX), "17179869183 GiB");
        assert_eq!(counted(1, "block", "blocks"), "1 block");
        assert_eq!(moment(12_345_678), "12.345 s");
    }

    #[test]
    fn dates_know_leap_years() {
        let dates = "
            0              | 1970-01-01 00:00:00 UTC
            1472688000000  | 2016-09-01 00:00:00 UTC
            951782399999   | 2000-02-28 23:59:59 UTC
            951782400000   | 2000-02-29 00:00:00 UTC
            1483228799000  | 2016-12-31 23:59:59 UTC
            4107542400000  | 2100-03-01 00:00:00 UTC
            13574563200000 | 2400-02-29 00:00:00 UTC
        ";
        for line in dates.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (unix_ms, said) = line.split_once('|').unwrap();
            assert_eq!(date(unix_ms.trim().parse().unwrap()), said.trim());
        }
        assert!(date(u64::MAX).starts_with("584556019-"));
    }

    #[test]
    fn ids_are_cut_and_nothing_else() {
        let id = "5b1e9a3c7d2f4b6088aa11bb22cc33dd44ee55ff66007788990a1b2c3d4e5f60";
        let said = format!("output 0 of {id} is spent by {id}; not {id}0, ö!");
        assert_eq!(
            short_ids(&said),
            format!("output 0 of 5b1e9a3c… is spent by 5b1e9a3c…; not {id}0, ö!")
        );
        assert_eq!(short_ids(id), "5b1e9a3c…");
        assert_eq!(short_ids("…"), "…");
    }

    #[test]
    fn what_a_run_says_stays_text() {
        assert_eq!(escape("<b a=\"'\">&"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;");
        assert_eq!(
            escape("a\0b\u{1b}[1m\u{202e}c\u{85}\td"),
            "a\u{fffd}b\u{fffd}[1m\u{fffd}c\u{fffd}\td"
        );
    }
}
