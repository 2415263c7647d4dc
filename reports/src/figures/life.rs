//! The life of one transaction as a space-time diagram: a row for each client, node and table, a column
//! for each event, in their order.
//!
//! Columns are as wide as each other, as a life has bursts of events and long waits. Not here: the
//! events in words (`violations`).

use bigchaindb_simulator::checkers::{LifeEvent, Violation};
use bigchaindb_simulator::measure::FaultWindow;

use super::{Figure, both_sizes};
use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Size, Tip, Tips, Tone};
use crate::words;

/// More places than these have no room for their names.
const PLACES_MAX: usize = 20;
/// How high a row is, in CSS pixels.
const ROW_PIXELS: u32 = 24;
/// The tables and what follows from them, below clients and nodes, in the order of a walk.
const TABLES: [&str; 5] = ["backlog", "positions", "bigchain", "votes", "election"];

/// Whether a place is of a kind.
type IsAt = fn(&str) -> bool;

/// What an event is about, as a line of the legend.
const KINDS: [(&str, Ink, IsAt); 4] = [
    ("HTTP", Ink::Early, |place| place.starts_with("client ")),
    ("backlog, blocks, list", Ink::Done, |place| {
        ["backlog", "bigchain", "positions"].contains(&place)
    }),
    ("vote", Ink::Other, |place| place == "votes"),
    ("decision", Ink::Late, |_| true),
];

/// The figure as HTML, of the events that are told, each with its number; the bad moment marked, and
/// what was broken meanwhile. None if the life has a single event or place.
pub(crate) fn life(
    violation: &Violation,
    told: &[(usize, &LifeEvent)],
    faults: &[FaultWindow],
) -> Option<String> {
    let ((_, first), (_, last)) = (*told.first()?, *told.last()?);
    let places = places(told);
    if told.len() < 2 || places.len() < 2 || places.len() > PLACES_MAX {
        return None;
    }
    let names: Vec<&str> = places.iter().map(String::as_str).collect();
    let row = |name: &str| {
        let place = places.iter().position(|place| place == name)?;
        Some((places.len() - 1 - place) as f64)
    };
    let bands = bands(violation, told, faults);
    both_sizes(|size| {
        let lines = KINDS.iter().enumerate().filter_map(|(kind, (label, ink, _))| {
            let points: Vec<_> = (told.iter().enumerate())
                .filter(|(_, (_, event))| kind_of(event) == kind)
                .flat_map(|(column, (_, event))| strokes(column as f64, event, &row))
                .collect();
            let label = (*label).to_owned();
            (!points.is_empty()).then_some(Line { label, ink: *ink, points })
        });
        let every = if size == Size::Wide { 1 } else { told.len().div_ceil(14) };
        Some(Figure {
            heading: "Where it was when".into(),
            note: format!(
                "A column for each event, in their order, with its number in the list below: from {} \
                 to {}. A stroke joins a client or a table with the node that it has to do with.",
                words::moment(first.at_us),
                words::moment(last.at_us),
            ),
            chart: Chart {
                title: "Life line of the witness: each event by place, in order".into(),
                description: format!(
                    "{} in {}, told one by one below.",
                    words::counted(told.len() as u64, "event", "events"),
                    words::duration(last.at_us.saturating_sub(first.at_us))
                ),
                x: Axis::columns(told.iter().map(|(number, _)| *number), every),
                y: Axis::places(&names),
                lines: lines.collect(),
                spreads: Vec::new(),
                bands: bands.clone(),
                shaded: Some("fault"),
                marks: Vec::new(),
                tips: tips(told),
                height: Some(ROW_PIXELS * u32::try_from(places.len()).unwrap_or(1) + 40),
            },
        })
    })
}

/// Every place and node of these events: clients, then nodes, then tables.
fn places(told: &[(usize, &LifeEvent)]) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for (_, event) in told {
        for place in std::iter::once(&event.place).chain(&event.node) {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
    }
    places.sort_by_key(|place| {
        let table = TABLES.iter().position(|table| table == place);
        match (place.starts_with("client "), table) {
            (true, _) => (0, String::new()),
            (_, None) => (1, place.clone()),
            (_, Some(table)) => (2 + table, String::new()),
        }
    });
    places
}

fn kind_of(event: &LifeEvent) -> usize {
    KINDS.iter().position(|(_, _, is)| is(&event.place)).unwrap_or(KINDS.len() - 1)
}

/// An event in its column: a dot at its place, and a stroke to its node with a dot there.
fn strokes(
    column: f64,
    event: &LifeEvent,
    row: &impl Fn(&str) -> Option<f64>,
) -> Vec<(f64, Option<f64>)> {
    let gap = (column, None);
    let place = row(&event.place);
    match event.node.as_deref().and_then(row) {
        Some(node) => {
            let (place, node) = ((column, place), (column, Some(node)));
            vec![place, gap, node, gap, place, node, gap]
        }
        None => vec![(column, place), gap],
    }
}

/// The bad moment's columns, and those of each fault that had an event in its time.
fn bands(violation: &Violation, told: &[(usize, &LifeEvent)], faults: &[FaultWindow]) -> Vec<Band> {
    // Events from the first at or after a moment.
    let column = |us: u64| told.iter().filter(|(_, event)| event.at_us < us).count() as f64 - 0.5;
    let mut bands: Vec<Band> = (faults.iter())
        .filter_map(|fault| {
            let from = column(fault.applied_us?);
            let to = fault.healed_us.map_or(told.len() as f64 - 0.5, |us| column(us + 1));
            let label = format!("{} {} {}", fault.number, fault.kind, fault.target);
            (to > from).then(|| Band::plain(fault.number.to_string(), label, from, to))
        })
        .collect();
    let (from, to) = (column(violation.at_us), column(violation.at_us + 1));
    if to > from {
        let bad = Band::plain("✗".into(), "✗ violated".into(), from, to);
        bands.push(Band { tone: Tone::Bad, ..bad });
    }
    bands
}

fn tips(told: &[(usize, &LifeEvent)]) -> Tips {
    let tip = |(column, (number, event)): (usize, &(usize, &LifeEvent))| Tip {
        at: column as f64,
        place: format!("{number}: {}", words::moment(event.at_us)),
        values: vec![event.place.clone(), event.what.clone()],
    };
    Tips {
        names: vec!["where".into(), "what".into()],
        points: told.iter().enumerate().map(tip).collect(),
    }
}
