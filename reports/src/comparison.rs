//! Several runs on one page: a column each, the differences from the first in words, and the same
//! charts with a line for each.
//!
//! Each run but the first also has the answer of `testbed compare`, with what it says of each figure: in real
//! time, of one run on each side, it seldom is more than `unclear`. Start at [`SideBySide`].

mod answer;
mod charts;
mod rows;
mod said;

use bigchaindb_simulator::record::Results;

use crate::page::{self, facts};
use crate::words::{self, escape, markdown};

use answer::Held;
use rows::Row;

pub(crate) use rows::rate;

/// A run to be compared.
#[derive(Clone, Debug)]
pub struct NamedRun {
    /// What it is called on the page; each run its own name.
    pub name: String,
    /// What it came to.
    pub results: Results,
}

/// Runs side by side; the others are held against the first.
#[derive(Clone, Debug)]
pub struct SideBySide {
    /// The runs, the one that is compared with at the front. At least one.
    pub runs: Vec<NamedRun>,
}

impl SideBySide {
    /// The page: HTML, complete in itself, and well-formed XML too.
    pub fn html(&self) -> String {
        let title = format!("{} compared", words::counted(self.count(), "run", "runs"));
        let sections = [
            self.heading(),
            self.in_words(),
            self.answers(),
            self.table(),
            self.charts(),
            self.again(),
        ];
        page::frame(&title, &sections.concat(), "")
    }

    /// The differences and the table as Markdown, for a pull request.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {} compared\n\n", words::counted(self.count(), "run", "runs"));
        for (run, held, differences) in self.differences() {
            let (name, first) = (markdown(&run.name), markdown(self.first()));
            text += &format!("**{name}** against {first}: {}\n\n", held.said());
            differences.iter().for_each(|said| text += &format!("- {}\n", markdown(said)));
            text += &format!("\n{}\n\n", held.markdown().trim_end());
        }
        text.push('|');
        self.runs.iter().for_each(|run| text += &format!(" | {}", markdown(&run.name)));
        text += &format!(" |\n|---|{}\n", "---|".repeat(self.runs.len()));
        for Row { name, values, .. } in rows::rows(&self.runs) {
            let values: Vec<_> = values.iter().map(|value| markdown(value)).collect();
            text += &format!("| {} | {} |\n", markdown(&name), values.join(" | "));
        }
        text
    }

    fn count(&self) -> u64 {
        self.runs.len() as u64
    }

    fn first(&self) -> &str {
        self.runs.first().map_or("", |run| &run.name)
    }

    /// For each run but the first, what comparing it comes to, and how it differs, a sentence each.
    fn differences(&self) -> Vec<(&NamedRun, Held, Vec<String>)> {
        let Some((first, others)) = self.runs.split_first() else { return Vec::new() };
        let differs = |run: &NamedRun| said::differences(&first.results, &run.results);
        let held = |run: &NamedRun| Held::new(&first.results, &run.results);
        others.iter().map(|run| (run, held(run), differs(run))).collect()
    }

    fn heading(&self) -> String {
        let mut scenarios: Vec<&str> =
            self.runs.iter().map(|run| run.results.scenario.as_str()).collect();
        let mut seen = std::collections::BTreeSet::new();
        scenarios.retain(|scenario| seen.insert(*scenario));
        format!(
            "<header>\n<p class=\"eyebrow\">BigchainDB testbed · {} compared</p>\n<h1>{}</h1>\n</header>\n",
            words::counted(self.count(), "run", "runs"),
            escape(&scenarios.join(" / ")),
        )
    }

    fn in_words(&self) -> String {
        let one = |(run, held, differences): &(&NamedRun, Held, Vec<String>)| {
            let items: String =
                differences.iter().map(|said| format!("<li>{}</li>\n", escape(said))).collect();
            format!(
                "<h3>{} against {}</h3>\n<p>{}</p>\n<ul>\n{items}</ul>\n",
                escape(&run.name),
                escape(self.first()),
                held.html(),
            )
        };
        let all: String = self.differences().iter().map(one).collect();
        format!(
            "<section>\n<h2>The differences</h2>\n{all}<p class=\"note\">Of what was measured in these \
             runs. In virtual time the same seed gives the same run, so a difference comes from what \
             was changed; in real time runs differ by chance as well, and one of each side does not \
             tell how much.</p>\n</section>\n"
        )
    }

    /// What is better or worse of each run.
    fn answers(&self) -> String {
        let one = |(run, held, _): &(&NamedRun, Held, Vec<String>)| {
            let heading = format!("{} against {}", escape(&run.name), escape(self.first()));
            format!("<h3>{heading}</h3>\n{}", held.table())
        };
        let all: String = self.differences().iter().map(one).collect();
        format!(
            "<section>\n<h2>Better or worse</h2>\n<p class=\"note\">As <code>testbed compare</code> \
             answers. In virtual time every figure that differs is told, seed by seed; in real time there \
             are four figures, each the mean over the seconds of the load, with the interval in which its \
             change surely lies, if there are runs enough to tell.</p>\n{all}</section>\n"
        )
    }

    fn table(&self) -> String {
        let head: String = (self.runs.iter())
            .map(|run| {
                format!("<th class=\"number whole\" scope=\"col\">{}</th>", escape(&run.name))
            })
            .collect();
        let row = |row: &Row| {
            let class = if row.differs { " class=\"differs\"" } else { "" };
            let cells: String = (row.values.iter())
                .map(|value| format!("<td class=\"number whole\">{}</td>", escape(value)))
                .collect();
            format!("<tr{class}><th scope=\"row\">{}</th>{cells}</tr>\n", escape(&row.name))
        };
        let rows: String = rows::rows(&self.runs).iter().map(row).collect();
        format!(
            "<section>\n<h2>Side by side</h2>\n<div class=\"wide-table\"><table>\n<thead><tr>\
             <th scope=\"col\"><span class=\"note\">bold where they differ</span></th>{head}</tr>\
             </thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
        )
    }

    fn charts(&self) -> String {
        let figures = charts::all(&self.runs);
        if figures.is_empty() {
            return figures;
        }
        let left_out = self.runs.len().saturating_sub(charts::LINES_MAX) as u64;
        let note = match left_out {
            0 => String::new(),
            more => format!(
                "<p class=\"note\">The charts show the first {}; {} not drawn.</p>\n",
                charts::LINES_MAX,
                words::counted(more, "more is", "more are")
            ),
        };
        format!("<section>\n<h2>How they went</h2>\n{note}{figures}</section>\n")
    }

    fn again(&self) -> String {
        let commands: Vec<_> = (self.runs.iter())
            .map(|run| {
                let command = format!("<code>{}</code>", escape(&run.results.command));
                (run.name.as_str(), command)
            })
            .collect();
        format!("<section>\n<h2>Run them again</h2>\n{}</section>\n", facts(&commands))
    }
}
