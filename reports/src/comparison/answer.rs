//! What `testbed compare` answers of two runs: better, the same, unclear or worse, figure by figure.
//!
//! Not here: how figures are compared (`bigchaindb_simulator::compare`), how they are said (`gate`).

use bigchaindb_simulator::compare::{self, Answer, Comparison, Incomparable, Sample, Terms};
use bigchaindb_simulator::record::Results;

use crate::gate;
use crate::words::{self, escape};

/// One run held against another, on the terms that hold where nobody asks for others; or why it cannot be.
pub(super) struct Held(Result<Comparison, Incomparable>);

impl Held {
    pub(super) fn new(first: &Results, other: &Results) -> Self {
        Self(compare::compare(&[Sample::of(first)], &[Sample::of(other)], Terms::default()))
    }

    fn answer(&self) -> Answer {
        self.0.as_ref().map_or(Answer::Unclear, |comparison| comparison.answer)
    }

    /// The answer in a word, after its sign: `✗ worse`.
    pub(super) fn said(&self) -> String {
        format!("{} {}", gate::sign(self.answer()), self.answer().as_str())
    }

    /// The answer for the page: a sign, a word and a colour.
    pub(super) fn html(&self) -> String {
        state(self.answer())
    }

    /// The table and the notes in Markdown.
    pub(super) fn markdown(&self) -> String {
        let note = |said: &String| format!("- {}\n", words::markdown(said));
        gate::table(self.rows()) + &self.notes().iter().map(note).collect::<String>()
    }

    /// What is to be known besides, a sentence each.
    fn notes(&self) -> Vec<String> {
        match &self.0 {
            Ok(comparison) => gate::notes(comparison),
            Err(error) => vec![format!("note: {error}")],
        }
    }

    /// The table, its head first; empty where nothing is different or nothing can be said.
    fn rows(&self) -> Vec<[String; 5]> {
        self.0.as_ref().map(gate::rows).unwrap_or_default()
    }

    /// The table and the notes for the page.
    pub(super) fn table(&self) -> String {
        let mut rows = self.rows().into_iter();
        let head = rows.next().map(|[what, cells @ .., _]| {
            let cells = cells.map(|cell| format!("<th class=\"number\" scope=\"col\">{cell}</th>"));
            format!(
                "<tr><th scope=\"col\">{what}</th>{}<th scope=\"col\">answer</th></tr>",
                cells.concat()
            )
        });
        let row = |([what, cells @ .., _], answer): ([String; 5], Answer)| {
            let cells =
                cells.map(|cell| format!("<td class=\"number whole\">{}</td>", escape(&cell)));
            format!(
                "<tr><th scope=\"row\">{}</th>{}<td>{}</td></tr>\n",
                escape(&what).replace('.', ".<wbr/>"),
                cells.concat(),
                state(answer),
            )
        };
        let answers = self.0.as_ref().map(gate::answers).unwrap_or_default();
        let rows: String = rows.zip(answers).map(row).collect();
        let table = head.map_or_else(String::new, |head| {
            format!(
                "<div class=\"wide-table\"><table>\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n\
                 </table></div>\n"
            )
        });
        let note = |said: &String| format!("<p class=\"note\">{}</p>\n", escape(said));
        table + &self.notes().iter().map(note).collect::<String>()
    }
}

fn state(answer: Answer) -> String {
    let class = match answer {
        Answer::Same => "skipped",
        Answer::Better => "pass",
        Answer::Unclear => "unknown",
        Answer::Worse => "fail",
    };
    format!(
        "<span class=\"state {class}\"><span aria-hidden=\"true\">{}</span> {}</span>",
        gate::sign(answer),
        answer.as_str()
    )
}
