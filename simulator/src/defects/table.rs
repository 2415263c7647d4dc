//! The table of recall: which defects were found, how soon, and how small they are.
//!
//! Kept as JSON beside the files of what was found, so that a hunt for some defects leaves the lines of
//! the others; the page for people is made from it. Start at [`Table`].

use std::fmt::Write;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Defect, all};
use crate::record::write_at_once;
use crate::shrink::Size;

/// The lines of all that were hunted.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Table {
    /// In the order of [`all`].
    pub lines: Vec<Line>,
}

/// What came of a hunt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The quirk's name.
    pub quirk: String,
    /// How many seeds were tried.
    pub seeds: u64,
    /// How many of them fired for another cause.
    pub other_causes: u64,
    /// How long a processor worked for it, if the system tells.
    pub processor_seconds: Option<f64>,
    /// The invariant that is violated; none if it was not found.
    pub invariant: Option<String>,
    /// Where it was found: the scenario and the seed.
    pub found_in: Option<String>,
    /// What it was found in.
    pub before: Option<Size>,
    /// What is left of that.
    pub after: Option<Size>,
    /// The file that keeps what is left, beside the table.
    pub file: Option<String>,
}

const DATA: &str = "recall.json";
const PAGE: &str = "README.md";
const HEAD: &str = "\
# What the hunt for defects finds

Each defect of BigchainDB 0.6.0 is a quirk that can be switched on over the default rules. A hunt tries
random seeds of a few general scenarios (`scenarios/hunts`) until a checker fires that would be silent
without the quirk, while the same plan passes with all quirks off. What it finds is made small and kept
here: each file opens with its story, and `testbed repro` runs it again, to the byte. This page is
written by `cargo run --release -- defects --shrink`, and with `--ablations` for the rules that are taken
away; do not edit it.
";

/// The default rules in a word, by number; ARCHITECTURE.md says all of each.
const RULES: [&str; 13] = [
    "a block is well-formed, or invalid by rule",
    "one vote per voter and block, for ever",
    "a decision never changes",
    "one order of blocks",
    "judged in order, from final facts",
    "the backlog is the memory",
    "status without a gap",
    "feeds wake, majority reads decide",
    "stale transactions are taken over",
    "time in conditions is the block's, within bounds",
    "before the acknowledgement, not after",
    "bounded everything",
    "what stands for ever is put back",
];
const RULES_HEAD: &str = "\
A rule is needed if something goes wrong without it: a defect of the original is often just a rule that
it had not, and the others are taken away one by one.
";

impl Table {
    /// The table in a folder; an empty one if there is none.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn load(folder: &Path) -> io::Result<Self> {
        match std::fs::read(folder.join(DATA)) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Puts a line in, in place of an older one. What an earlier hunt has made small is still kept, if this
    /// one has made nothing small.
    pub fn put(&mut self, mut line: Line) {
        let older = self.lines.iter().position(|other| other.quirk == line.quirk);
        let older = older.map(|place| self.lines.remove(place));
        if let Some(older) = older.filter(|older| older.file.is_some() && line.file.is_none()) {
            (line.before, line.after, line.file) = (older.before, older.after, older.file);
        }
        self.lines.push(line);
        let place = |line: &Line| all().position(|defect| defect.quirk.name() == line.quirk);
        self.lines.sort_by_key(place);
    }

    /// Writes the table and its page into a folder.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        write_at_once(&folder.join(DATA), text.as_bytes())?;
        write_at_once(&folder.join(PAGE), self.page().as_bytes())
    }

    /// The page for people.
    pub fn page(&self) -> String {
        let mut page = HEAD.to_owned();
        let parts = [("Defects of the original", false), ("Rules taken away", true)];
        for (title, ablations) in parts {
            let hunted = all().filter(|defect| defect.is_ablation() == ablations);
            let lines: Vec<_> = hunted.map(|defect| (defect, self.line(defect))).collect();
            let found = lines.iter().filter(|(_, line)| line.is_some_and(Line::is_found)).count();
            writeln!(page, "\n## {title}: {found} of {} found\n", lines.len()).expect(INFALLIBLE);
            page += "| | what is wrong | needs | violated | seeds | CPU s | small | upstream |\n\
                     |---|---|---|---|---|---|---|---|\n";
            for (defect, line) in lines {
                page += &row(defect, line);
            }
        }
        page + &self.rules()
    }

    /// Which of the default rules were seen to be needed, and by what.
    fn rules(&self) -> String {
        let rows = RULES.iter().zip(0..).map(|(title, rule)| {
            let replaces = format!("rule {rule}");
            let without = all().filter(|defect| defect.replaces == replaces);
            let (found, not): (Vec<_>, Vec<_>) =
                without.partition(|defect| self.line(defect).is_some_and(Line::is_found));
            (rule, title, found, not)
        });
        let rows: Vec<_> = rows.collect();
        let needed = rows.iter().filter(|(_, _, found, _)| !found.is_empty()).count();
        let mut text =
            format!("\n## Default rules seen to be needed: {needed} of {}\n\n", rows.len());
        text += RULES_HEAD;
        text += "\n| rule | what it says | without it, by | not seen |\n|---|---|---|---|\n";
        for (rule, title, found, not) in rows {
            let found = found.iter().map(|defect| {
                let violated = self.line(defect).and_then(|line| line.invariant.clone());
                let violated = violated.expect("it was found");
                format!("{} `{}`: {violated}", defect.number(), defect.quirk.name())
            });
            let not = not.iter().map(|defect| format!("`{}`", defect.quirk.name()));
            let (found, not) = (found.collect::<Vec<_>>(), not.collect::<Vec<_>>());
            writeln!(text, "| {rule} | {title} | {} | {} |", found.join("; "), not.join(", "))
                .expect(INFALLIBLE);
        }
        text
    }

    fn line(&self, defect: &Defect) -> Option<&Line> {
        self.lines.iter().find(|line| line.quirk == defect.quirk.name())
    }
}

const INFALLIBLE: &str = "writing into a String cannot fail";

impl Line {
    /// Whether the defect was found.
    pub fn is_found(&self) -> bool {
        self.invariant.is_some()
    }
}

fn row(defect: &Defect, line: Option<&Line>) -> String {
    let armed: Vec<_> = defect.armed_by.iter().map(|quirk| format!("`{}`", quirk.name())).collect();
    let acts = defect.acts.iter().map(|act| format!("a member that does `{act}`"));
    // One of several acts is enough.
    let acts: Vec<_> = acts.collect();
    let needs = [armed.join(", "), acts.join(" or ")];
    let needs: Vec<_> = needs.into_iter().filter(|need| !need.is_empty()).collect();
    let name = match line.and_then(|line| line.file.as_ref()) {
        Some(file) => format!("[`{}`]({file})", defect.quirk.name()),
        None => format!("`{}`", defect.quirk.name()),
    };
    let violated = match line.map(|line| &line.invariant) {
        Some(Some(invariant)) => invariant.clone(),
        Some(None) => "not found".to_owned(),
        None => "not hunted".to_owned(),
    };
    let seeds = line.map_or_else(String::new, |line| line.seeds.to_string());
    let seconds = line.and_then(|line| line.processor_seconds);
    let seconds = seconds.map_or_else(String::new, |seconds| format!("{seconds:.1}"));
    let small = line.and_then(|line| line.after);
    let small = small.map_or_else(String::new, |small| small.to_string());
    format!(
        "| {} {name} | {} | {} | {violated} | {seeds} | {seconds} | {small} | {} |\n",
        defect.number(),
        defect.title,
        needs.join("; "),
        defect.upstream,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_put_in_the_place_of_an_older_one() {
        let line = |quirk: &str, seeds| Line {
            quirk: quirk.to_owned(),
            seeds,
            other_causes: 0,
            processor_seconds: Some(1.25),
            invariant: Some("S1".to_owned()),
            found_in: None,
            before: None,
            after: None,
            file: Some("q17.toml".to_owned()),
        };
        let mut table = Table::default();
        table.put(line("input-spent-twice", 3));
        table.put(line("deleted-before-written", 4));
        table.put(line("input-spent-twice", 5));
        let seeds: Vec<_> = table.lines.iter().map(|line| line.seeds).collect();
        assert_eq!(seeds, [4, 5], "by number");
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Table::load(folder.path()).expect("there is none"), Table::default());
        table.save(folder.path()).expect("it can be written");
        assert_eq!(Table::load(folder.path()).expect("there is one"), table);
        let page = std::fs::read_to_string(folder.path().join(PAGE)).expect("it is there");
        assert!(page.contains("## Defects of the original: 2 of 42 found"), "{page}");
        let row = "| q17 [`input-spent-twice`](q17.toml) | a transaction can spend one output twice |  | \
                   S1 | 5 | 1.2 |  | #1099 |";
        assert!(page.lines().any(|line| line == row), "{page}");
        assert!(page.contains("| not hunted |"), "{page}");
    }
}
