//! Numbers of questions, so that slots that differ in nothing else are one.
//!
//! A node numbers what it asks, and so how much it has asked before is in all its later numbers, long after
//! that has stopped to matter. A ticket is only ever compared with others of the stage that drew it (a stage
//! knows none but its own), and the next one is greater than all of them. So nothing changes if the tickets
//! that are still around, in the node and in what is under way to or from it, are numbered from 1 on, stage by
//! stage and in their order, and those to come after them. Slots that are the same then will do the same for
//! ever, and the first of them stands for all. Start at [`key`].

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

/// What a ticket looks like.
const TICKET: &str = "Ticket(";
/// What the last ones drawn look like, stage by stage.
const DRAWN: &str = "Tickets([";

/// A node and what is under way, whatever their tickets are; and the messages in an order that is the
/// same for all that are alike. The texts are those of `{:?}`.
pub(super) fn key(core: &str, messages: &[String]) -> ([u8; 32], Vec<usize>) {
    let stages = core.split_once(DRAWN).map_or(1, |(_, drawn)| {
        let drawn = drawn.split(']').next().unwrap_or_default();
        drawn.split(',').count() as u64
    });
    let mut of_stage: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for mut text in messages.iter().map(String::as_str).chain([core]) {
        while let Some((_, ticket, after)) = first(text) {
            of_stage.entry(ticket % stages).or_default().insert(ticket);
            text = after;
        }
    }
    let numbers: BTreeMap<u64, usize> = (of_stage.values())
        .flat_map(|tickets| tickets.iter().enumerate().map(|(at, ticket)| (*ticket, at + 1)))
        .collect();
    let renamed = |text: &str| {
        let mut renamed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, ticket, after)) = first(rest) {
            let stage = ticket % stages;
            renamed += &format!("{before}{stage}.{}", numbers[&ticket]);
            rest = after;
        }
        renamed + rest
    };
    let mut order: Vec<_> = messages.iter().map(|text| renamed(text)).enumerate().collect();
    order.sort_by(|one, other| one.1.cmp(&other.1));
    let mut core = renamed(core);
    if let Some(at) = core.find(DRAWN)
        && let Some(length) = core[at..].find(']')
    {
        core.replace_range(at..at + length, "");
    }
    let mut digest = Sha256::new();
    for text in order.iter().map(|(_, text)| text).chain([&core]) {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    (digest.finalize().into(), order.into_iter().map(|(at, _)| at).collect())
}

/// The first ticket of a text, with what is before it and behind.
fn first(text: &str) -> Option<(&str, u64, &str)> {
    let start = text.find(TICKET)? + TICKET.len();
    let length = text[start..].find(')')?;
    let ticket = text[start..start + length].parse().ok()?;
    Some((&text[..start], ticket, &text[start + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two slots are alike.
    fn alike(one: (&str, &[&str]), other: (&str, &[&str])) -> bool {
        let key = |(core, messages): (&str, &[&str])| {
            let messages: Vec<_> = messages.iter().map(ToString::to_string).collect();
            key(core, &messages).0
        };
        key(one) == key(other)
    }

    #[test]
    fn only_the_order_of_tickets_matters_and_only_within_a_stage() {
        // Two stages: even tickets are those of one, odd ones of the other.
        let one =
            ("a: Ticket(4), b: Ticket(5), Tickets([2, 2])", &["x Ticket(4)", "y Ticket(5)"][..]);
        let later =
            ("a: Ticket(8), b: Ticket(3), Tickets([9, 7])", &["x Ticket(8)", "y Ticket(3)"][..]);
        assert!(alike(one, later));
        let crossed =
            ("a: Ticket(4), b: Ticket(5), Tickets([2, 2])", &["y Ticket(4)", "x Ticket(5)"][..]);
        assert!(!alike(one, crossed), "another stage asks");
        let pair =
            ("a: [Ticket(2), Ticket(4)], Tickets([2, 0])", &["x Ticket(2)", "y Ticket(4)"][..]);
        let swapped =
            ("a: [Ticket(2), Ticket(4)], Tickets([2, 0])", &["x Ticket(4)", "y Ticket(2)"][..]);
        assert!(!alike(pair, swapped), "another question of the same stage");
        let fewer = ("a: [Ticket(2), Ticket(4)], Tickets([2, 0])", &["x Ticket(2)"][..]);
        assert!(!alike(pair, fewer), "nothing is under way for one");
        assert!(
            !alike(pair, ("b: [Ticket(2), Ticket(4)], Tickets([2, 0])", pair.1)),
            "another core"
        );
    }

    #[test]
    fn messages_that_are_alike_stand_at_the_same_place() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (_, one) = key("Tickets([5])", &texts(&["b Ticket(1)", "a Ticket(2)"]));
        let (_, other) = key("Tickets([9])", &texts(&["a Ticket(8)", "b Ticket(7)"]));
        assert_eq!((one, other), (vec![1, 0], vec![0, 1]));
    }
}
