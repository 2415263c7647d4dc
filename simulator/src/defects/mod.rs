//! The defects of BigchainDB 0.6.0, and the rules without which `default` would have its own.
//!
//! Each is a quirk of the node's. Here: what is to be known about each, as data (`catalogue`, and
//! `ablations` for rules taken away), and the hunt for it over random seeds (`hunt`). Not here: what a
//! quirk does (`bigchaindb_core::rules::Quirk`), how a find is made small (`shrink`), how the table of
//! all finds is printed (the command line). Start at [`all`] and [`hunt()`].

mod ablations;
mod catalogue;
mod hunt;
mod table;

use bigchaindb_core::rules::{Quirk, QuirkKind as Kind};

pub use hunt::{Find, Hunted, hunt};
pub use table::{Line, Table};

/// A defect, or a rule taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Defect {
    /// The quirk that shows it.
    pub quirk: Quirk,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Which of the default rules prevents it, by its number in ARCHITECTURE.md, or what does.
    pub replaces: &'static str,
    /// Quirks that it needs to show.
    pub armed_by: &'static [Quirk],
    /// What else it needs to show: acts of Byzantine members, or nothing.
    pub acts: &'static [&'static str],
    /// The invariants whose violation counts as having found it.
    pub found_by: &'static [&'static str],
    /// The scenarios in which it is hunted, in `scenarios/hunts`.
    pub hunts: &'static [&'static str],
    /// Issues and pull requests of bigchaindb/bigchaindb, or where it is said.
    pub upstream: &'static str,
    /// How it goes wrong, step by step.
    pub story: &'static str,
}

/// Every defect by number, then every rule taken away.
pub fn all() -> impl Iterator<Item = &'static Defect> {
    catalogue::DEFECTS.iter().chain(ablations::ABLATIONS)
}

impl Defect {
    /// `q01` for a defect; `rule 2` for a rule taken away.
    pub fn number(&self) -> String {
        match self.quirk.kind() {
            Kind::Defect(number) => format!("q{number:02}"),
            Kind::Ablation(rule) => format!("rule {rule}"),
        }
    }

    /// Whether it is a rule taken away.
    pub fn is_ablation(&self) -> bool {
        matches!(self.quirk.kind(), Kind::Ablation(_))
    }

    /// The name of the file that keeps a find of it.
    pub fn file(&self) -> String {
        match self.quirk.kind() {
            Kind::Defect(number) => format!("q{number:02}-{}.toml", self.quirk.name()),
            Kind::Ablation(rule) => format!("rule-{rule}-{}.toml", self.quirk.name()),
        }
    }

    /// The head of that file.
    pub fn head(&self) -> String {
        let kind =
            if self.is_ablation() { "A rule taken away" } else { "A defect of BigchainDB 0.6.0" };
        let mut head = format!("{kind}, {}: {}\n\n", self.number(), self.title);
        head += &wrapped(self.story);
        if !self.armed_by.is_empty() {
            let names: Vec<_> = self.armed_by.iter().map(|quirk| quirk.name()).collect();
            head += &wrapped(&format!("It needs others to show: {}.", names.join(", ")));
        }
        head
    }
}

/// Lines of a comment, none too long.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 98;
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
            lines += &line;
            lines.push('\n');
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_its_row_and_no_row_is_without_one() {
        let rows: Vec<_> = all().map(|defect| defect.quirk).collect();
        assert_eq!(rows, Quirk::ALL, "in the order of the quirks");
    }

    #[test]
    fn every_row_says_how_it_is_found() {
        for Defect { quirk, title, replaces, armed_by, found_by, hunts, upstream, story, .. } in
            all()
        {
            let name = quirk.name();
            assert!(!found_by.is_empty() && !hunts.is_empty(), "{name}");
            assert!(!armed_by.contains(quirk), "{name} arms itself");
            assert!(story.ends_with('.') && story.len() > 80, "{name}: {story}");
            assert!(!title.is_empty() && !title.ends_with('.') && !replaces.is_empty(), "{name}");
            assert!(!upstream.is_empty(), "{name}");
        }
    }

    #[test]
    fn heads_are_comments_of_short_lines() {
        for defect in all() {
            let head = defect.head();
            assert!(head.lines().all(|line| line.len() <= 110), "{head}");
        }
    }
}
