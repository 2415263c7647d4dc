//! The panels of the live page: what each asks of points.
//!
//! A panel names metrics by the enums of the node's table, never by what they are called in points. How it is
//! drawn is up to the page, by the words that [`Panel`] becomes in JSON.

use bigchaindb::metrics::table::{Counter, Gauge, Timer};
use serde::Serialize;

use crate::dashboards::Asked;
use crate::federation::Whole;
use crate::relay::Meaning;

/// A panel, as the page is told of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Panel {
    /// By which the page finds those that say whether all is well.
    pub(super) id: &'static str,
    /// The headline under which it stands.
    row: &'static str,
    title: &'static str,
    /// What a reader should know.
    about: String,
    unit: &'static str,
    shape: Shape,
    /// From how much on it is worth a look, and from how much on it is bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<(u32, u32)>,
    pub(super) sources: Vec<Source>,
}

/// How it is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    /// A number, large: the last one.
    Last,
    /// A number, large: all of them together; of several series the largest.
    Total,
    /// A number, large: how many series there is something of.
    Heard,
    /// Lines.
    Lines,
    /// Lines, one upon the other.
    Bands,
    /// Bars, one upon the other.
    Bars,
}

/// What of the points is shown: a series, or one for each value of a tag.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Source {
    /// What its series are called beside their tags.
    pub(super) called: &'static str,
    /// Whether there is none of it where nothing is said, rather than nothing known.
    adds: bool,
    #[serde(skip)]
    pub(super) meaning: Meaning,
    /// Whether it is the federation's, and not its nodes'.
    #[serde(skip)]
    pub(super) is_whole: bool,
    #[serde(skip)]
    pub(super) by: Vec<&'static str>,
    #[serde(skip)]
    pub(super) reads: Reads,
}

/// What is made of the points of a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reads {
    /// Counters, added up.
    Count,
    /// Gauges: the highest.
    Level,
    /// How much a gauge has grown.
    Growth,
    /// How many timings there were.
    Times,
    /// The worst of a percentile of timings.
    Percentile(u8),
}

impl Reads {
    /// The field that it is in.
    pub(super) fn field(self, meaning: &Meaning) -> String {
        match self {
            Self::Count | Self::Level | Self::Growth => meaning.field.clone(),
            Self::Times => "count".to_owned(),
            Self::Percentile(percentile) => format!("{percentile}_percentile"),
        }
    }
}

/// All panels, in their order.
pub(super) fn all() -> Vec<Panel> {
    let mut panels = Vec::new();
    let mut row = |name: &'static str, of_row: Vec<Panel>| {
        panels.extend(of_row.into_iter().map(|panel| Panel { row: name, ..panel }));
    };
    row("Is it working?", is_it_working());
    row("Flow", flow());
    row("Blocks", blocks());
    row("Votes", votes());
    row("Backlog and queues", backlog());
    row("HTTP", http());
    row("Store", store());
    row("Machines", machines());
    panels
}

fn is_it_working() -> Vec<Panel> {
    let of_runs = "As the harness sees it: in runs only.";
    vec![
        last("committed", "Committed", "tx/s").about(of_runs).shows(counts(Whole::TxCommitted)),
        last("latency", "Commit latency, p99", "ms")
            .about(of_runs)
            .shows(percentile(Whole::TxCommit, 99)),
        last("in-blocks", "Put into blocks", "tx/s").shows(counts(Counter::TxInBlocks)),
        last("decisions", "Decisions", "/s")
            .about("Of each node on each block; a block of four nodes makes four.")
            .shows(times(Timer::BlockDecision)),
        last("undecided", "Undecided blocks", "")
            .about("As the node sees it that is furthest behind.")
            .limits(10, 100)
            .shows(level(Gauge::BlockUndecided)),
        total("invalid", "Invalid blocks", "")
            .about("As long as the page looks back, as the node counts that saw the most.")
            .limits(1, 1)
            .shows(counts(Counter::BlockInvalid).by("node")),
        last("backlog", "Backlog", "tx").limits(1_000, 10_000).shows(level(Gauge::BacklogSize)),
        panel("heard", Shape::Heard, "Nodes heard of", "")
            .about("In the last seconds, and in all the time that the page looks back.")
            .shows(level(Gauge::ProcessUptime).by("node")),
    ]
}

fn flow() -> Vec<Panel> {
    let each = |id, title, counter: Counter| {
        bands(id, title, "tx/s").about(counter.metric().meaning).shows(counts(counter).by("node"))
    };
    vec![
        each("received", "Received", Counter::TxReceived),
        each("written", "Written to the backlog", Counter::TxWritten),
        each("blocked", "Put into blocks", Counter::TxInBlocks),
        lines("flow", "Accepted and committed", "tx/s")
            .about("The federation as a whole, in runs only.")
            .shows(counts(Whole::TxAccepted).called("accepted"))
            .shows(counts(Whole::TxCommitted).called("committed")),
        bars("refused", "Refused", "tx/s")
            .about("At the door, and for good by a lost conflict.")
            .shows(counts(Counter::TxRejected).by("node").called("rejected"))
            .shows(counts(Counter::TxInvalid).by("node").called("invalid")),
        bars("again", "Tried again", "tx/s")
            .about("Taken over from another node, and put back from invalid blocks.")
            .shows(counts(Counter::TxReassigned).by("node").called("reassigned"))
            .shows(counts(Counter::ElectionRequeued).by("node").called("requeued")),
    ]
}

fn blocks() -> Vec<Panel> {
    vec![
        bands("created", "Created", "/s").shows(counts(Counter::BlockCreated).by("node")),
        lines("decided-after", "Until decided, p99", "ms")
            .about(Timer::BlockDecision.metric().meaning)
            .shows(percentile(Timer::BlockDecision, 99).by("node")),
        lines("waiting-blocks", "Undecided", "")
            .about(Gauge::BlockUndecided.metric().meaning)
            .shows(level(Gauge::BlockUndecided).by("node")),
        bars("verdicts", "Decided", "/s")
            .about("By each node's own elections.")
            .shows(counts(Counter::BlockValid).by("node").called("valid"))
            .shows(counts(Counter::BlockInvalid).by("node").called("invalid")),
    ]
}

fn votes() -> Vec<Panel> {
    vec![
        bands("cast", "Cast", "/s").shows(counts(Counter::VoteCast).by("node")),
        lines("vote-latency", "From a block to the vote on it, p99", "ms")
            .about(Timer::VoteLatency.metric().meaning)
            .shows(percentile(Timer::VoteLatency, 99).by("node")),
        bars("odd-votes", "That say invalid, or do not count", "/s")
            .shows(counts(Counter::VoteCastInvalid).by("node").called("invalid"))
            .shows(counts(Counter::VoteIgnored).by("node").called("ignored")),
    ]
}

fn backlog() -> Vec<Panel> {
    vec![
        bands("mine", "Waiting for each node", "tx")
            .about(Gauge::BacklogMine.metric().meaning)
            .shows(level(Gauge::BacklogMine).by("node")),
        lines("oldest", "Oldest that waits", "ms")
            .about(Gauge::BacklogOldestAge.metric().meaning)
            .shows(level(Gauge::BacklogOldestAge).by("node")),
        lines("queues", "The longest queue of each stage", "")
            // All are one measurement: one of them asks for all.
            .shows(level(Gauge::QueueApi).by("stage")),
    ]
}

fn http() -> Vec<Panel> {
    vec![
        bars("requests", "Requests", "/s").shows(times(Asked::Http).by("endpoint").by("code")),
        lines("answered-after", "Until the answer, p99", "ms")
            .shows(percentile(Asked::Http, 99).by("endpoint")),
    ]
}

fn store() -> Vec<Panel> {
    vec![
        lines("round-trip", "Round trip, p99", "ms")
            .about("The worst node of each question.")
            .shows(percentile(Asked::Store, 99).by("query").by("table")),
        bars("trouble", "Errors, reconnects, feeds opened again", "/s")
            .shows(counts(Counter::StoreErrors).by("node").called("errors"))
            .shows(counts(Counter::StoreReconnects).by("node").called("reconnects"))
            .shows(counts(Counter::FeedReopened).by("node").called("feeds")),
    ]
}

fn machines() -> Vec<Panel> {
    vec![
        lines("cpu", "Processor", "ms/s")
            .about("1000 is one core, fully taken. Nodes in one process each tell of all of it.")
            .shows(source(Gauge::ProcessCpu, Reads::Growth).by("node")),
        lines("memory", "Memory", "bytes").shows(level(Gauge::ProcessRss).by("node")),
        lines("files", "Open files", "").shows(level(Gauge::ProcessOpenFiles).by("node")),
        lines("up", "Up for", "s")
            .about("Falls to nothing when a node is started again.")
            .shows(level(Gauge::ProcessUptime).by("node")),
    ]
}

fn panel(id: &'static str, shape: Shape, title: &'static str, unit: &'static str) -> Panel {
    let (row, about, limits, sources) = ("", String::new(), None, Vec::new());
    Panel { id, row, title, about, unit, shape, limits, sources }
}

fn last(id: &'static str, title: &'static str, unit: &'static str) -> Panel {
    panel(id, Shape::Last, title, unit)
}

fn total(id: &'static str, title: &'static str, unit: &'static str) -> Panel {
    panel(id, Shape::Total, title, unit)
}

fn lines(id: &'static str, title: &'static str, unit: &'static str) -> Panel {
    panel(id, Shape::Lines, title, unit)
}

fn bands(id: &'static str, title: &'static str, unit: &'static str) -> Panel {
    panel(id, Shape::Bands, title, unit)
}

fn bars(id: &'static str, title: &'static str, unit: &'static str) -> Panel {
    panel(id, Shape::Bars, title, unit)
}

fn source(asked: impl Into<Asked>, reads: Reads) -> Source {
    let asked = asked.into();
    let is_whole = matches!(asked, Asked::Whole(_));
    let adds = matches!(reads, Reads::Count | Reads::Times);
    Source { called: "", adds, meaning: asked.meaning(), is_whole, by: Vec::new(), reads }
}

fn counts(asked: impl Into<Asked>) -> Source {
    source(asked, Reads::Count)
}

fn level(gauge: Gauge) -> Source {
    source(gauge, Reads::Level)
}

fn times(asked: impl Into<Asked>) -> Source {
    source(asked, Reads::Times)
}

fn percentile(asked: impl Into<Asked>, percentile: u8) -> Source {
    source(asked, Reads::Percentile(percentile))
}

impl Panel {
    fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    fn limits(self, warns_from: u32, bad_from: u32) -> Self {
        Self { limits: Some((warns_from, bad_from)), ..self }
    }

    fn shows(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }
}

impl Source {
    /// A series for each value of a tag.
    fn by(mut self, tag: &'static str) -> Self {
        assert!(self.meaning.tags.contains_key(tag), "{:?} has no tag `{tag}`", self.meaning);
        self.by.push(tag);
        self
    }

    fn called(self, called: &'static str) -> Self {
        Self { called, ..self }
    }
}
