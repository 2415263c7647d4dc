//! StatsD's lines, and events as Datadog writes them.
//!
//! Only what our nodes and the original's send: counters, gauges and timings, with a rate or without.
//! Sets, histograms and signed gauges are dialects, and refused.

use std::collections::BTreeMap;

/// A line of a datagram.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    /// A metric.
    Sample(Sample),
    /// Something that happened.
    Event(Event),
}

/// A metric as it was sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// Its name, with dots.
    pub name: String,
    /// How much.
    pub worth: Worth,
}

/// What a metric is worth. A rate says how many of it there were: one in so many was sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Worth {
    /// So many more.
    Counter(f64),
    /// So many now.
    Gauge(f64),
    /// So many milliseconds, so many times.
    Timing(f64, u32),
}

/// Something that happened: `_e{5,4}:title|text|t:error|#key:value`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// What: becomes the measurement.
    pub title: String,
    /// In words.
    pub text: String,
    /// `info`, unless it says otherwise.
    pub alert: String,
    /// `normal`, unless it says otherwise.
    pub priority: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A line that nobody can read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{line}`: {why}")]
pub struct Malformed {
    line: String,
    why: &'static str,
}

/// Timings that stand for more others than that are taken for so many: nobody sends one in a billion.
const TIMES_MAX: f64 = 100_000.0;

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// If it is none that is understood.
    pub fn read(line: &str) -> Result<Self, Malformed> {
        let read = match line.strip_prefix("_e{") {
            Some(rest) => event(rest).map(Self::Event),
            None => sample(line).map(Self::Sample),
        };
        read.map_err(|why| Malformed { line: line.to_owned(), why })
    }
}

/// `name:3|c`, `name:17|g`, `name:1.5|ms|@0.01`.
fn sample(line: &str) -> Result<Sample, &'static str> {
    let (name, rest) = line.split_once(':').ok_or("no colon behind a name")?;
    if name.is_empty() {
        return Err("no name");
    }
    let mut parts = rest.split('|');
    let value = parts.next().unwrap_or_default();
    let kind = parts.next().ok_or("no kind behind a value")?;
    let mut rate = 1.0;
    for part in parts {
        let given = part.strip_prefix('@').ok_or("something that is no rate behind a kind")?;
        rate = given
            .parse::<f64>()
            .ok()
            .filter(|rate| *rate > 0.0 && *rate <= 1.0)
            .ok_or("no rate")?;
    }
    if kind == "g" && value.starts_with(['+', '-']) {
        return Err("a signed gauge, which servers add up");
    }
    let value = value.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or("no number")?;
    let worth = match kind {
        // As Telegraf has it: whole counts.
        "c" => Worth::Counter((value / rate).trunc()),
        "g" => Worth::Gauge(value),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
        "ms" => Worth::Timing(value, (1.0 / rate).min(TIMES_MAX) as u32),
        _ => return Err("a kind other than `c`, `g` and `ms`"),
    };
    Ok(Sample { name: name.to_owned(), worth })
}

/// What follows `_e{`: two lengths in bytes, a title, a text, and parts.
fn event(rest: &str) -> Result<Event, &'static str> {
    let (lengths, rest) = rest.split_once("}:").ok_or("no lengths of an event")?;
    let (title, text) = lengths.split_once(',').ok_or("no lengths of an event")?;
    let (title, text) = (title.parse::<usize>(), text.parse::<usize>());
    let (Ok(title), Ok(text)) = (title, text) else { return Err("no lengths of an event") };
    let wrong = "the lengths of an event are not those of its title and text";
    let (title, rest) = rest.split_at_checked(title).ok_or(wrong)?;
    let rest = rest.strip_prefix('|').ok_or(wrong)?;
    let (text, rest) = rest.split_at_checked(text).ok_or(wrong)?;
    let mut event = Event {
        title: title.to_owned(),
        text: text.replace("\\n", "\n"),
        alert: "info".to_owned(),
        priority: "normal".to_owned(),
        tags: BTreeMap::new(),
    };
    if rest.is_empty() {
        return Ok(event);
    }
    for part in rest.strip_prefix('|').ok_or(wrong)?.split('|') {
        if let Some(alert) = part.strip_prefix("t:") {
            event.alert = alert.to_owned();
        } else if let Some(priority) = part.strip_prefix("p:") {
            event.priority = priority.to_owned();
        } else if let Some(tags) = part.strip_prefix('#') {
            for tag in tags.split(',') {
                let (key, value) = tag.split_once(':').unwrap_or((tag, "true"));
                event.tags.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_servers_read_them() {
        let read = |line: &str| match Line::read(line).unwrap() {
            Line::Sample(Sample { name, worth }) => (name, worth),
            Line::Event(_) => panic!("{line}"),
        };
        for (line, name, worth) in [
            ("a.b:3|c", "a.b", Worth::Counter(3.0)),
            ("a.b:3|c|@0.1", "a.b", Worth::Counter(30.0)),
            ("vm..x:16.153097|ms", "vm..x", Worth::Timing(16.153_097, 1)),
            ("vm..x:0.000238|ms|@0.01", "vm..x", Worth::Timing(0.000_238, 100)),
            ("q:0.5|g", "q", Worth::Gauge(0.5)),
        ] {
            assert_eq!(read(line), (name.to_owned(), worth));
        }
    }

    #[test]
    fn what_is_no_line_of_ours_is_refused_with_the_reason() {
        for (line, why) in [
            ("a", "no colon"),
            (":1|c", "no name"),
            ("a:1", "no kind"),
            ("a:x|c", "no number"),
            ("a:NaN|ms", "no number"),
            ("a:-5|g", "signed gauge"),
            ("a:1|s", "kind other than"),
            ("a:1|c|@2", "no rate"),
            ("a:1|c|#k:v", "no rate behind"),
            ("_e{5}:fault|x", "no lengths"),
            ("_e{5,99}:fault|x", "not those of"),
            ("_e{1,1}:é|x", "not those of"),
        ] {
            let said = Line::read(line).unwrap_err().to_string();
            let is_told =
                said.contains(why) || (why == "no rate behind" && said.contains("no rate"));
            assert!(is_told, "{line}: {said}");
        }
    }

    #[test]
    fn an_event_has_a_title_a_text_and_tags() {
        let line = "_e{5,16}:fault|partition node 0|t:error|#kind:partition,node:node0,run:r1";
        let Line::Event(event) = Line::read(line).unwrap() else { panic!() };
        assert_eq!((event.title.as_str(), event.text.as_str()), ("fault", "partition node 0"));
        assert_eq!((event.alert.as_str(), event.priority.as_str()), ("error", "normal"));
        assert_eq!(event.tags["node"], "node0");
        assert_eq!(event.tags.len(), 3);
    }
}
