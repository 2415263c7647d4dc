//! What the words on the page mean, for whoever sees such a page for the first time.

use crate::trouble;

/// The section.
pub(crate) fn section() -> String {
    let words = [
        ("operation", "What a client asks: a CREATE, a TRANSFER, or something odd, with one POST."),
        (
            "intended",
            "The moment the plan wants an operation sent. Latencies count from there, so \
          that a generator or a server that falls behind hides nothing.",
        ),
        (
            "accepted",
            "A node answered the POST with success. The transaction then waits in the backlog.",
        ),
        ("decided", "More than half of the nodes voted the same of the transaction's block."),
        ("lost a conflict", "Another transaction spends the same output, and was decided valid."),
        (
            "never decided",
            "Accepted, and neither decided nor lost when the log ended. Counted as \
          having taken at least until then, never left out.",
        ),
        ("p99", "99 of 100 took at most so long; p50, the median, half of them."),
        (
            "invariant",
            "What has to hold whatever goes wrong. A checker looks for violations in the \
          observation log.",
        ),
        (
            "fault",
            "Something that was broken on purpose: planned by the scenario, applied, verified by \
          a probe, and healed. Charts shade it from applied to healed, and more palely from planned \
          to applied; the dotted line is the moment of the probe. Its number is that of the table.",
        ),
        ("bad second", trouble::RULES),
    ];
    let words = words.map(|(word, meaning)| {
        let id = if word == "bad second" { " id=\"bad-second\"" } else { "" };
        format!("<dt{id}>{word}</dt><dd>{meaning}</dd>\n")
    });
    format!(
        "<section>\n<h2>What the words mean</h2>\n<dl class=\"facts\">\n{}</dl>\n</section>\n",
        words.concat()
    )
}
