//! S20: each row of the store is as if it were one.
//!
//! After Wing and Gong, with Lowe's memory of states: an order of the questions about a row is looked
//! for in which each answer is right, and in which a question that had its answer before another was
//! asked comes before it. One whose answer never came may have been done at any time after, or never.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reference::Reference;
use super::{Checker, Findings, Moment};
use crate::observe::{Deed, Done, Kind, Record, Stored, Table};

/// So many states are looked at for one row at most.
const STATES_MAX: usize = 100_000;

/// Keeps the questions about each row.
#[derive(Default)]
pub(super) struct Linearizable {
    rows: BTreeMap<(Table, Arc<str>), Vec<Question>>,
    /// When each question was asked.
    asked: BTreeMap<u64, (usize, u64)>,
    /// Where in the log we are.
    at: usize,
}

/// A question about a row.
struct Question {
    number: u64,
    deed: Deed,
    from: Option<Arc<str>>,
    value: Option<Arc<str>>,
    asked: usize,
    asked_us: u64,
    /// When the answer came, and what it says.
    answer: Option<Answer>,
}

struct Answer {
    at: usize,
    at_us: u64,
    value: Option<Arc<str>>,
    done: Option<Done>,
}

impl Checker for Linearizable {
    fn invariant(&self) -> &'static str {
        "S20"
    }

    fn statement(&self) -> &'static str {
        "What nodes read of each row of the store, and what their writes did, is as if all questions \
         about it were answered one after the other, each between its asking and its answer."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        self.at += 1;
        let Record::Stored(stored) = &moment.observed.record else { return };
        let at_us = moment.observed.at_us;
        let Stored { number, kind, deed, table, key, from, value, done, .. } = stored;
        let questions = self.rows.entry((*table, Arc::clone(key))).or_default();
        let answer = || Answer { at: self.at, at_us, value: value.clone(), done: *done };
        match kind {
            Kind::Invoke => {
                self.asked.entry(*number).or_insert((self.at, at_us));
                questions.push(Question {
                    number: *number,
                    deed: *deed,
                    from: from.clone(),
                    value: value.clone(),
                    asked: self.at,
                    asked_us: at_us,
                    answer: None,
                });
            }
            Kind::Ok => match questions.iter_mut().rfind(|one| one.number == *number) {
                Some(question) => question.answer = Some(answer()),
                // A part of the list was read: only the answer says which rows that were.
                None => {
                    let (asked, asked_us) =
                        self.asked.get(number).copied().unwrap_or((self.at, at_us));
                    questions.push(Question {
                        number: *number,
                        deed: *deed,
                        from: None,
                        value: None,
                        asked,
                        asked_us,
                        answer: Some(answer()),
                    });
                }
            },
            Kind::Fail => questions.retain(|one| one.number != *number),
            Kind::Info => {}
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        for ((table, key), questions) in &self.rows {
            // What somebody did to the row on purpose was not asked as a question.
            if !reference.acts_on(*table, key).is_empty() {
                continue;
            }
            findings.looked();
            match explain(questions) {
                Explained::Yes => {}
                Explained::TooMany => {
                    findings.doubted(format!("row {key} of {table} has too many orders to try"));
                }
                Explained::No(question) => {
                    let answer = question.answer.as_ref();
                    let said =
                        answer.and_then(|answer| answer.value.as_deref()).unwrap_or("nothing");
                    let what = format!(
                        "row {key} of {table}: {} asked at {} µs cannot have been answered with {said}",
                        question.deed, question.asked_us
                    );
                    findings.violated(answer.map_or(0, |answer| answer.at_us), what, None, &[]);
                }
            }
        }
        findings
    }
}

enum Explained<'a> {
    Yes,
    /// Up to the answer of this question there was an order.
    No(&'a Question),
    TooMany,
}

/// What has been put in order: who has, and what the row holds then.
type State = (BTreeSet<usize>, Option<Arc<str>>);

/// Looks for an order.
fn explain(questions: &[Question]) -> Explained<'_> {
    // Each state is reached once; the deepest one tells where it ends.
    let mut seen: BTreeSet<State> = BTreeSet::new();
    let mut open: Vec<State> = vec![(BTreeSet::new(), None)];
    let mut furthest: Option<&Question> = None;
    while let Some((ordered, holds)) = open.pop() {
        if !seen.insert((ordered.clone(), holds.clone())) {
            continue;
        }
        if seen.len() > STATES_MAX {
            return Explained::TooMany;
        }
        let waiting = || questions.iter().enumerate().filter(|(at, _)| !ordered.contains(at));
        let first = waiting()
            .filter_map(|(_, one)| Some((one.answer.as_ref()?.at, one)))
            .min_by_key(|(at, _)| *at);
        // Nobody waits for an answer that came.
        let Some((first_at, next)) = first else { return Explained::Yes };
        let later = |best: &&Question| best.answer.as_ref().is_some_and(|one| one.at >= first_at);
        if furthest.as_ref().is_none_or(|best| !later(best)) {
            furthest = Some(next);
        }
        for (at, question) in waiting().filter(|(_, one)| one.asked <= first_at) {
            if let Some(then) = question.apply(holds.as_ref()) {
                let mut ordered = ordered.clone();
                ordered.insert(at);
                open.push((ordered, then));
            }
        }
    }
    furthest.map_or(Explained::Yes, Explained::No)
}

impl Question {
    /// What the row holds after this, if its answer is right for what it held before.
    fn apply(&self, holds: Option<&Arc<str>>) -> Option<Option<Arc<str>>> {
        let Some(Answer { value, done, .. }) = &self.answer else {
            return Some(match self.deed {
                Deed::Read => holds.cloned(),
                Deed::Insert => holds.or(self.value.as_ref()).cloned(),
                Deed::Update if holds == self.from.as_ref() => self.value.clone(),
                Deed::Update => holds.cloned(),
                Deed::Delete => None,
                Deed::Put => self.value.clone(),
            });
        };
        match (self.deed, done) {
            (Deed::Read, _) => (holds == value.as_ref()).then(|| value.clone()),
            (Deed::Insert, Some(Done::Inserted)) => holds.is_none().then(|| self.value.clone()),
            (Deed::Insert, Some(_)) => holds.is_some().then(|| holds.cloned()),
            (Deed::Insert, None) => {
                let after = holds.or(self.value.as_ref());
                (after == value.as_ref()).then(|| after.cloned())
            }
            (Deed::Update, Some(Done::Changed)) => {
                (holds.is_some() && holds == self.from.as_ref()).then(|| self.value.clone())
            }
            (Deed::Update, _) => {
                (holds.is_none() || holds != self.from.as_ref()).then(|| holds.cloned())
            }
            (Deed::Delete, _) => Some(None),
            (Deed::Put, _) => Some(self.value.clone()),
        }
    }
}
