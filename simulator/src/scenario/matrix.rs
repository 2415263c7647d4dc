//! `[matrix]`: one file, many scenarios: every combination of the values that some fields are to have.
//!
//! A field is named by its dotted path, as `"links.reorder"`; a number stands for one of several
//! tables, as in `"load.1.arrivals.rate"`. Each combination is a scenario of its own, with a text of its
//! own, which can be run like any other. Here: what the section says, and what becomes of it. Not here:
//! how a value gets into the text (`edit`), what is measured over all of it (`matrix` of the crate).

use std::collections::BTreeMap;

use super::edit;
use super::{Scenario, ScenarioError};
use crate::matrix::Measure;
use bigchaindb_strict::{Entry, Section, closest};

/// More combinations than these are more than anybody looks at.
const CELLS_MAX: usize = 1_000;
/// More seeds than these for each of them are a campaign.
const SEEDS_MAX: u32 = 10_000;
/// The keys that are no fields of the scenario.
const KEYS: [&str; 3] = ["seeds", "measure", "may_fail"];

/// What is swept over.
#[derive(Clone, PartialEq, Debug)]
pub struct Matrix {
    /// The fields, in the order of the file.
    pub axes: Vec<Axis>,
    /// How many seeds each combination is run with.
    pub seeds: u32,
    /// What is shown of the runs.
    pub measures: Vec<Measure>,
    /// Combinations with one of these values may break invariants: their runs are looked at, not judged.
    pub may_fail: BTreeMap<String, Vec<String>>,
    line: Option<usize>,
}

/// A field and the values it is to have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    /// The dotted path.
    pub field: String,
    /// As people read them: texts without their quotes.
    pub values: Vec<String>,
    /// As they stand in the file.
    spelled: Vec<String>,
    line: Option<usize>,
}

/// One combination.
#[derive(Clone, Debug)]
pub struct Cell {
    /// A value for each axis.
    pub values: Vec<String>,
    /// Whether its runs may break invariants.
    pub may_fail: bool,
    /// The scenario, without a matrix.
    pub scenario: Scenario,
}

impl Matrix {
    /// Every combination, the values of the last axis changing fastest.
    ///
    /// # Errors
    /// If one of them is no scenario; blamed is the line of the matrix that made it so.
    pub fn cells(&self, scenario: &Scenario) -> Result<Vec<Cell>, ScenarioError> {
        let file = &scenario.file;
        let base = edit::without_matrix(&scenario.text);
        let mut cells = Vec::new();
        for number in 0..self.count() {
            let chosen = self.combination(number);
            let values: Vec<_> =
                self.axes.iter().zip(&chosen).map(|(axis, at)| axis.values[*at].clone()).collect();
            let mut text = base.clone();
            for (axis, at) in self.axes.iter().zip(&chosen) {
                text = edit::with(&text, &axis.field, &axis.spelled[*at]).map_err(|reason| {
                    let message = format!("`{}` names nothing: {reason}", axis.field);
                    let hint = "write the path of a field with dots, like \"federation.nodes\"";
                    scenario.error(axis.line, message, hint)
                })?;
            }
            let parsed = Scenario::parse(file, &text, Some(scenario.backend()));
            let parsed = parsed.map_err(|error| self.blame(scenario, &values, error))?;
            let may_fail = self.axes.iter().zip(&values).any(|(axis, value)| {
                self.may_fail.get(&axis.field).is_some_and(|values| values.contains(value))
            });
            cells.push(Cell { values, may_fail, scenario: parsed });
        }
        Ok(cells)
    }

    /// How many combinations there are.
    fn count(&self) -> usize {
        self.axes.iter().fold(1, |count, axis| count.saturating_mul(axis.values.len()))
    }

    /// Which value of each axis a combination has.
    fn combination(&self, mut number: usize) -> Vec<usize> {
        let mut chosen: Vec<_> = (self.axes.iter().rev())
            .map(|axis| {
                let at = number % axis.values.len();
                number /= axis.values.len();
                at
            })
            .collect();
        chosen.reverse();
        chosen
    }

    /// An error of a combination, as one of the line that is behind it: the axis whose field it names.
    fn blame(&self, scenario: &Scenario, values: &[String], error: ScenarioError) -> ScenarioError {
        let last = |axis: &Axis| axis.field.rsplit('.').next().map(|last| format!("`{last}`"));
        let is_named = |axis: &&Axis| last(axis).is_some_and(|last| error.message.contains(&last));
        let line = self.axes.iter().find(is_named).map_or(self.line, |axis| axis.line);
        let pairs = self.axes.iter().zip(values);
        let with: Vec<_> = pairs.map(|(axis, value)| format!("{} = {value}", axis.field)).collect();
        let message = format!("with {}: {}", with.join(", "), error.message);
        scenario.error(line, message, error.hint)
    }
}

pub(super) fn read(top: &mut Section<'_>) -> Result<Option<Matrix>, ScenarioError> {
    let Some(entry) = top.take("matrix") else { return Ok(None) };
    let mut section = entry.section("`[matrix]`")?;
    let line = section.line();
    let seeds = section.take("seeds").map_or(Ok(1), |entry| entry.whole(1, SEEDS_MAX))?;
    let measures = match section.take("measure") {
        None => vec![Measure::NotPassed],
        Some(entry) => read_measures(&entry)?,
    };
    let may_fail = section.take("may_fail");
    let mut axes = Vec::new();
    for (key, entry) in section.entries() {
        if !KEYS.contains(&key) {
            read_axis(key.to_owned(), &entry, &mut axes)?;
        }
    }
    if axes.is_empty() {
        let hint = "name a field and its values, like `\"federation.nodes\" = [3, 4]`";
        return Err(entry.error("`[matrix]` has nothing to go over".to_owned(), hint));
    }
    let may_fail = may_fail.map_or(Ok(BTreeMap::new()), |entry| read_may_fail(&entry, &axes))?;
    let matrix = Matrix { axes, seeds, measures, may_fail, line };
    let count = matrix.count();
    if count > CELLS_MAX {
        let message = format!("{count} combinations are more than {CELLS_MAX}");
        return Err(entry.error(message, "take values away, or write several files"));
    }
    Ok(Some(matrix))
}

fn read_measures(entry: &Entry<'_>) -> Result<Vec<Measure>, ScenarioError> {
    let names = Measure::ALL.map(Measure::name);
    let measure = |entry: &Entry<'_>| {
        let name = entry.one_of(&names)?;
        let mut all = Measure::ALL.into_iter();
        Ok(all.find(|measure| measure.name() == name).expect("one of their names"))
    };
    entry.list().iter().map(measure).collect()
}

/// A field may be written in quotes or as tables within tables, which TOML makes of bare dots.
fn read_axis(field: String, entry: &Entry<'_>, axes: &mut Vec<Axis>) -> Result<(), ScenarioError> {
    if entry.is_table() {
        for (key, entry) in entry.section(format!("`{field}`"))?.entries() {
            read_axis(format!("{field}.{key}"), &entry, axes)?;
        }
        return Ok(());
    }
    let list = entry.list();
    if list.is_empty() {
        let message = format!("`{field}` has no values");
        return Err(entry.error(message, "write a list of them, like `[3, 4]`"));
    }
    if ["matrix", "name"].contains(&field.split('.').next().unwrap_or_default()) {
        let message = format!("`{field}` cannot be gone over");
        return Err(entry.error(message, "name a field of the federation, its load or its faults"));
    }
    let spelled: Vec<_> = list.iter().map(|value| value.spelled().to_owned()).collect();
    let values: Vec<_> = list.iter().map(Entry::plain).collect();
    if let Some(twice) = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value))
    {
        let message = format!("`{field}` has the value {} twice", twice.1);
        return Err(entry.error(message, "each combination is run once; for more runs use `seeds`"));
    }
    axes.push(Axis { field, values, spelled, line: entry.line });
    Ok(())
}

fn read_may_fail(
    entry: &Entry<'_>,
    axes: &[Axis],
) -> Result<BTreeMap<String, Vec<String>>, ScenarioError> {
    let section = entry.section("`may_fail`")?;
    let fields: Vec<_> = axes.iter().map(|axis| axis.field.as_str()).collect();
    let mut may_fail = BTreeMap::new();
    for (key, entry) in section.entries() {
        let Some(axis) = axes.iter().find(|axis| axis.field == key) else {
            let message = format!("`may_fail` names `{key}`, which the matrix does not go over");
            return Err(entry.error(message, closest(key, &fields, "it goes over")));
        };
        let values: Vec<_> = entry.list().iter().map(Entry::plain).collect();
        let known: Vec<_> = axis.values.iter().map(String::as_str).collect();
        if let Some(value) = values.iter().find(|value| !axis.values.contains(value)) {
            let message = format!("`{key}` is never {value}");
            return Err(entry.error(message, closest(value, &known, "its values are")));
        }
        may_fail.insert(key.to_owned(), values);
    }
    Ok(may_fail)
}
