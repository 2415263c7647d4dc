//! The life of one transaction: where it was when, from client to node to table and back.

use bigchaindb_simulator::checkers::{LifeEvent, Violation};

use super::{Figure, both_sizes};
use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Size};
use crate::words;

/// More places than these have no room for their names.
const PLACES_MAX: usize = 14;

/// The figure as HTML, the bad moment marked; none if the life has a single moment or place.
pub(crate) fn life(violation: &Violation) -> Option<String> {
    let events = &violation.life_line;
    let (first, last) = (events.first()?, events.last()?);
    let mut places: Vec<&str> = Vec::new();
    for event in events {
        if !places.contains(&event.place.as_str()) {
            places.push(&event.place);
        }
    }
    let span_us = last.at_us.saturating_sub(first.at_us);
    if span_us == 0 || places.len() < 2 || places.len() > PLACES_MAX {
        return None;
    }
    let point = |event: &LifeEvent| {
        let place = places.iter().position(|place| *place == event.place)?;
        // The first place is the uppermost.
        let height = (places.len() - 1 - place) as f64;
        Some((event.at_us.saturating_sub(first.at_us) as f64, Some(height)))
    };
    let path: Vec<(f64, Option<f64>)> = events.iter().filter_map(point).collect();
    let dots = path.iter().flat_map(|(x, y)| [(*x, *y), (*x, None)]).collect();
    let bad_us = violation.at_us.saturating_sub(first.at_us) as f64;
    let bad = Band { short: "✗".into(), label: "✗".into(), from: bad_us, to: bad_us };
    both_sizes(|size| {
        Some(Figure {
            heading: "Where it was when".into(),
            note: format!(
                "Since {}, its first event; ✗ is the bad moment.",
                words::moment(first.at_us)
            ),
            chart: Chart {
                title: "Life line of the witness: each event by place and time".into(),
                description: format!(
                    "{} in {}, told one by one below.",
                    words::counted(events.len() as u64, "event", "events"),
                    words::duration(span_us)
                ),
                x: Axis::elapsed(span_us, if size == Size::Wide { 7 } else { 4 }),
                y: Axis::places(&places),
                lines: vec![
                    Line { label: String::new(), ink: Ink::Quiet, points: path.clone() },
                    Line { label: String::new(), ink: Ink::Late, points: Vec::clone(&dots) },
                ],
                bands: vec![bad.clone()],
                shaded: None,
            },
        })
    })
}
