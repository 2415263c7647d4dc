//! Where a run first went badly: the first bad second, by rules that are told on the page.
//!
//! Here: the rules, and the sentences about what they find. Not here: the charts that mark it
//! (`figures`). Start at [`Trouble::of`].

use bigchaindb_simulator::checkers::Outcome;
use bigchaindb_simulator::measure::{FaultWindow, Percentiles, Second};
use bigchaindb_simulator::record::Results;

use crate::words::{self, escape};

/// A second is held against so many before it …
const LOOKED_BACK: usize = 30;
/// … and only if there are as many as these.
const LOOKED_BACK_MIN: usize = 5;

/// The rules, as the page tells them. The seconds before are up to [`LOOKED_BACK`] of them that had
/// requests and were not bad themselves.
pub(crate) const RULES: &str = "A second is held against those before it: up to 30 that had requests \
    and were not bad themselves, at least 5. It is bad if requests went on (at least half of the \
    median before) while fewer than half of the median were decided, or accepted, and by more than \
    chance explains (three times the square root of the median); if so long nothing was decided that, \
    at the mean before, ten transactions would have been, though requests went on; if its p99 is more \
    than three times the median p99 before, and higher than any; if the backlog at its end is more than \
    twice the highest before, and by more than ten; or if an invariant was first violated in it that \
    was not meant to be.";

/// A run's bad seconds.
pub(crate) struct Trouble {
    /// The first of them: an index of the measures' entries.
    pub(crate) first: usize,
    /// What is wrong with it, a clause each.
    why: Vec<String>,
    /// How many there are.
    count: u64,
    /// The last one.
    last: usize,
}

impl Trouble {
    /// What went badly; none if nothing did.
    pub(crate) fn of(results: &Results) -> Option<Self> {
        let seconds = &results.measures.seconds;
        let mut good: Vec<&Second> = Vec::new();
        let mut trouble: Option<Self> = None;
        for (index, second) in seconds.iter().enumerate() {
            let before = &good[good.len().saturating_sub(LOOKED_BACK)..];
            let mut why = compared(second, before);
            why.extend(stood_still(&seconds[..=index], before, results.measures.stretch_s.max(1)));
            why.extend(violated(results, second));
            if why.is_empty() {
                if second.requested > 0 {
                    good.push(second);
                }
                continue;
            }
            let trouble = trouble.get_or_insert(Self { first: index, why, count: 0, last: index });
            (trouble.count, trouble.last) = (trouble.count + 1, index);
        }
        trouble
    }

    /// The first bad second as the page has it: `19 s`.
    pub(crate) fn moment(&self, results: &Results) -> String {
        let first = results.measures.seconds.get(self.first).map_or(0, |second| second.second);
        match results.measures.stretch_s {
            0 | 1 => format!("{first} s"),
            stretch_s => format!("{first} to {} s", first + stretch_s - 1),
        }
    }

    /// What is wrong with it, and which faults it may come from, in sentences.
    pub(crate) fn told(&self, results: &Results) -> String {
        let why = self.why.join("; ");
        format!("{}. {}", capital(&why), around(results, self.first))
    }

    /// How many more there are, and until when.
    pub(crate) fn rest(&self, results: &Results) -> String {
        let seconds = &results.measures.seconds;
        let (all, last) = (seconds.len() as u64, seconds.get(self.last));
        let stretch_s = results.measures.stretch_s.max(1);
        let last = last.map_or(0, |second| second.second) + stretch_s;
        let counted = match self.count {
            1 => format!("It is the only bad one of {}", words::counted(all, "second", "seconds")),
            count => format!(
                "{} of {} are bad",
                words::count(count),
                words::counted(all, "second", "seconds")
            ),
        };
        match self.last + 1 < seconds.len() {
            true => format!("{counted}; from {last} s on none is."),
            false => format!("{counted}, the last one among them."),
        }
    }
}

/// The section of the page: what was first to go badly, or that nothing did. Empty where nothing was
/// asked.
pub(crate) fn section(results: &Results, trouble: Option<&Trouble>) -> String {
    if results.measures.seconds.iter().all(|second| second.requested == 0) {
        return String::new();
    }
    let rule = "<a href=\"#bad-second\">When is a second bad?</a>";
    match trouble {
        Some(trouble) => format!(
            "<section class=\"trouble\">\n<h2>First bad second: {}</h2>\n<p>{}</p>\n\
             <p class=\"note\">{} {rule}</p>\n</section>\n",
            trouble.moment(results),
            escape(&trouble.told(results)),
            escape(&trouble.rest(results)),
        ),
        None => format!(
            "<section>\n<h2>First bad second: none</h2>\n<p class=\"note\">No second stands out \
             against those before it. {rule}</p>\n</section>\n"
        ),
    }
}

/// What is wrong with a second if those before it are what is usual.
fn compared(second: &Second, before: &[&Second]) -> Vec<String> {
    if before.len() < LOOKED_BACK_MIN {
        return Vec::new();
    }
    let mut why = Vec::new();
    let usual = |of: fn(&Second) -> u64| median(before.iter().map(|second| of(second)).collect());
    if second.requested * 2 >= usual(|second| second.requested) && second.requested > 0 {
        let too_few = |is: u64, usual: u64, what: &str| {
            let lacks = usual.saturating_sub(is);
            let beyond_chance = lacks.saturating_mul(lacks) > 9 * usual;
            (is * 2 < usual && beyond_chance).then(|| {
                format!(
                    "{} {what}, while half of the seconds before had {} or more, and {}",
                    words::counted(is, "transaction was", "transactions were"),
                    words::count(usual),
                    words::counted(second.requested, "was requested", "were requested"),
                )
            })
        };
        why.extend(too_few(second.decided, usual(|second| second.decided), "decided"));
        why.extend(too_few(second.accepted, usual(|second| second.accepted), "accepted"));
    }
    let p99 = |second: &Second| second.decided_latency.as_ref().map(|of: &Percentiles| of.p99_us);
    let known: Vec<u64> = before.iter().filter_map(|second| p99(second)).collect();
    if let (Some(is), Some(highest)) = (p99(second), known.iter().max().copied()) {
        let usual = median(known);
        if is > usual.saturating_mul(3) && is > highest {
            why.push(format!(
                "of what was decided in it, 1 % took more than {}; the median p99 before was {}, the \
                 highest {}",
                words::duration(is),
                words::duration(usual),
                words::duration(highest),
            ));
        }
    }
    let highest = before.iter().map(|second| second.backlog).max().unwrap_or(0);
    if second.backlog > highest.saturating_mul(2).saturating_add(10) {
        why.push(format!(
            "{} in the backlog at its end, where there were {} at most before",
            words::counted(second.backlog, "transaction waited", "transactions waited"),
            words::count(highest),
        ));
    }
    why
}

/// That nothing was decided up to the last of these seconds for so long that, at the mean before, ten
/// transactions would have been. Where little is asked, single seconds tell nothing.
fn stood_still(seconds: &[Second], before: &[&Second], stretch_s: u64) -> Option<String> {
    const MISSED: f64 = 10.0;
    let idle = seconds.iter().rev().take_while(|second| second.decided == 0).count();
    let since = seconds.len().checked_sub(idle).and_then(|first| seconds.get(first))?.second;
    let before: Vec<_> = before.iter().filter(|second| second.second < since).collect();
    if before.len() < LOOKED_BACK_MIN {
        return None;
    }
    let mean = |of: fn(&Second) -> u64| {
        before.iter().map(|second| of(second) as f64).sum::<f64>() / before.len() as f64
    };
    let requested = seconds.iter().rev().take(idle).map(|second| second.requested).sum::<u64>();
    let missed = mean(|second| second.decided) * idle as f64;
    let goes_on = requested as f64 * 2.0 >= mean(|second| second.requested) * idle as f64;
    (missed >= MISSED && goes_on).then(|| {
        format!(
            "nothing was decided for {} s, while {}; {missed:.0} decisions would have been usual",
            words::count(idle as u64 * stretch_s),
            words::counted(requested, "transaction was requested", "transactions were requested"),
        )
    })
}

/// The invariants that were first violated in this second, and were not meant to be.
fn violated(results: &Results, second: &Second) -> Option<String> {
    let stretch_s = results.measures.stretch_s.max(1);
    let within = second.second..second.second.saturating_add(stretch_s);
    let ids = results.invariants.iter().filter(|judgement| match &judgement.outcome {
        Outcome::Fail { violations, .. } if !judgement.meant_to_fail => {
            let first = violations.first();
            // L9 is about the whole run, and has no moment.
            first
                .is_some_and(|first| first.at_us > 0 && within.contains(&(first.at_us / 1_000_000)))
        }
        _ => false,
    });
    let ids: Vec<_> = ids.map(|judgement| judgement.invariant.clone()).collect();
    let were = if ids.len() == 1 { "was" } else { "were" };
    (!ids.is_empty()).then(|| format!("{} {were} violated for the first time", ids.join(", ")))
}

/// What was broken on purpose around a second.
fn around(results: &Results, index: usize) -> String {
    let Some(second) = results.measures.seconds.get(index) else { return String::new() };
    let from_us = second.second.saturating_mul(1_000_000);
    let to_us = from_us.saturating_add(results.measures.stretch_s.max(1) * 1_000_000);
    let began = |fault: &&FaultWindow| fault.applied_us.is_some_and(|us| us < to_us);
    let named =
        |fault: &FaultWindow| format!("fault {} ({} {})", fault.number, fault.kind, fault.target);
    let begun: Vec<&FaultWindow> = results.faults.iter().filter(began).collect();
    let mut active: Vec<&&FaultWindow> =
        begun.iter().filter(|fault| fault.healed_us.is_none_or(|us| us > from_us)).collect();
    active.sort_by_key(|fault| std::cmp::Reverse(fault.applied_us));
    match active.as_slice() {
        [] => {}
        [latest, others @ ..] => {
            let since = match latest.applied_us.map(|us| from_us.checked_sub(us)) {
                Some(Some(us)) if us > 0 => format!("began {} before", words::duration(us)),
                _ => "began in it".to_owned(),
            };
            let others = match others.len() as u64 {
                0 => String::new(),
                more => {
                    format!("; {} active too", words::counted(more, "other was", "others were"))
                }
            };
            return capital(&format!("{} {since}{others}.", named(latest)));
        }
    }
    let last =
        begun.iter().filter_map(|fault| Some((fault.healed_us?, *fault))).max_by_key(|one| one.0);
    match last {
        Some((healed_us, fault)) => format!(
            "No fault was active; {} had healed {} before.",
            named(fault),
            words::duration(from_us.saturating_sub(healed_us)),
        ),
        None => "No fault had begun.".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty seconds of 20 requests, all decided within 100 ms; then what a case says.
    fn run(last: Second) -> Results {
        let mut results = crate::tests::results();
        let latency = |p99_us| Some(Percentiles { count: 20, p99_us, ..Percentiles::default() });
        let usual = |second| Second {
            second,
            requested: 20,
            sent: 20,
            accepted: 20,
            decided: 20,
            decided_latency: latency(100_000),
            backlog: 3,
            ..Second::default()
        };
        results.measures.seconds = (0..20).map(usual).collect();
        let p99_us = last.decided_latency.as_ref().map_or(100_000, |latency| latency.p99_us);
        results.measures.seconds.push(Second { decided_latency: latency(p99_us), ..last });
        results
    }

    fn latency(p99_us: u64) -> Option<Percentiles> {
        Some(Percentiles { count: 1, p99_us, ..Percentiles::default() })
    }

    #[test]
    fn a_second_is_bad_by_each_of_the_rules() {
        let usual = || Second {
            second: 20,
            requested: 20,
            sent: 20,
            accepted: 20,
            decided: 20,
            backlog: 3,
            ..Second::default()
        };
        let cases: [(Second, Option<&str>); 9] = [
            (usual(), None),
            (Second { decided: 6, ..usual() }, Some("6 transactions were decided, while")),
            // Half is not less than half, and 20 ± 13 is chance.
            (Second { decided: 7, ..usual() }, None),
            (Second { decided: 0, requested: 9, ..usual() }, None),
            (Second { accepted: 1, ..usual() }, Some("1 transaction was accepted, while")),
            (Second { decided_latency: latency(300_000), ..usual() }, None),
            (
                Second { decided_latency: latency(300_001), ..usual() },
                Some("1 % took more than 300 ms"),
            ),
            (Second { backlog: 16, ..usual() }, None),
            (Second { backlog: 17, ..usual() }, Some("17 transactions waited in the backlog")),
        ];
        for (second, said) in cases {
            let results = run(second.clone());
            let trouble = Trouble::of(&results);
            assert_eq!(
                trouble.as_ref().map(|trouble| trouble.first),
                said.map(|_| 20),
                "{second:?}"
            );
            if let (Some(trouble), Some(said)) = (trouble, said) {
                let told = trouble.told(&results).to_lowercase();
                assert!(told.contains(&said.to_lowercase()), "{told}");
            }
        }
    }

    #[test]
    fn where_little_is_asked_it_is_bad_once_nothing_was_decided_for_long() {
        let mut results = run(Second::default());
        results.measures.seconds = (0..40)
            .map(|second| Second {
                second,
                requested: 2,
                decided: if second < 20 { 2 } else { 0 },
                ..Second::default()
            })
            .collect();
        let trouble = Trouble::of(&results).unwrap();
        assert_eq!((trouble.first, trouble.last), (24, 39));
        let told = trouble.told(&results);
        assert!(told.starts_with("Nothing was decided for 5 s, while 10 transactions"), "{told}");
        // Whoever asks for nothing waits for nothing.
        results.measures.seconds[20..].iter_mut().for_each(|second| second.requested = 0);
        assert!(Trouble::of(&results).is_none());
    }

    #[test]
    fn too_few_seconds_before_tell_nothing() {
        let mut results = run(Second { second: 20, requested: 20, ..Second::default() });
        results.measures.seconds.drain(..16);
        assert!(Trouble::of(&results).is_none());
        results = run(Second { second: 20, requested: 20, ..Second::default() });
        results.measures.seconds.drain(..15);
        assert_eq!(Trouble::of(&results).unwrap().first, 5);
    }
}
