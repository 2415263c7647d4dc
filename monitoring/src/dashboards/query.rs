//! Questions to InfluxDB about metrics, in InfluxQL.
//!
//! A question begins with a metric of the table ([`ask`]); what measurement, field and tags it has, the
//! templates say by which its name is read on its way. So no name of a metric is written here, and a metric
//! that is not in the table cannot be asked for.
//!
//! Source: InfluxDB 1.8 documentation, "Influx Query Language".

use bigchaindb::metrics::labels::{Endpoint, Method, Question};
use bigchaindb::metrics::table::{Counter, Gauge, Timer, Timing};

use crate::federation::{FEDERATION, Whole};
use crate::relay::{Meaning, Templates};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Counter(Counter),
    Gauge(Gauge),
    Timer(Timer),
    /// Requests, of every label.
    Http,
    /// Questions to the database, of every label.
    Store,
    Whole(Whole),
    /// A timing under the name that the original gave it.
    Original(Timer),
    /// A level under the name that the original gave it.
    OriginalLevel(Gauge),
}

macro_rules! from {
    ($($Variant:ident),+) => {$(
        impl From<$Variant> for Asked {
            fn from(asked: $Variant) -> Self {
                Self::$Variant(asked)
            }
        }
    )+};
}
from!(Counter, Gauge, Timer, Whole);

impl Asked {
    /// What templates make of it.
    pub(crate) fn meaning(self) -> Meaning {
        Templates::ours().meaning(&self.name())
    }

    /// Its name over the wire, as some node has it.
    fn name(self) -> String {
        let ours = |name: &dyn std::fmt::Display| format!("bigchaindb.node.{name}");
        let theirs = |name: Option<&str>| {
            format!("host..{}", name.expect("only what the original had is asked for as such"))
        };
        match self {
            Self::Counter(counter) => ours(&counter.metric().name),
            Self::Gauge(gauge) => ours(&gauge.metric().name),
            Self::Timer(timer) => ours(&timer.metric().name),
            Self::Http => ours(&Timing::Http(Endpoint::Root, Method::Get, 200)),
            Self::Store => ours(&Timing::Store(Question::Votes)),
            Self::Whole(whole) => whole.full_name(),
            Self::Original(timer) => theirs(timer.metric().original),
            Self::OriginalLevel(gauge) => theirs(gauge.metric().original),
        }
    }
}

/// A question that is being put together.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    meaning: Meaning,
    of: Of,
    by: Vec<&'static str>,
}

/// Whose it is. The federation sends some of what nodes send, under the same names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    /// The nodes that are chosen at the top of the page.
    Chosen,
    /// All nodes.
    Nodes,
    /// The federation as a whole.
    Whole,
    /// Hosts, as the original names them, which are not the names by which nodes are chosen.
    Hosts,
}

/// A question as a panel holds it.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) text: String,
    /// What its series are called.
    pub(super) alias: String,
    /// Whether it comes to rows rather than series.
    pub(super) is_table: bool,
}

/// Asks for a metric of those nodes that are chosen, or of the whole federation.
pub(super) fn ask(asked: impl Into<Asked>) -> Ask {
    let asked = asked.into();
    let meaning = asked.meaning();
    let of = match asked {
        Asked::Whole(_) => Of::Whole,
        Asked::Original(_) | Asked::OriginalLevel(_) => Of::Hosts,
        _ => Of::Chosen,
    };
    Ask { meaning, of, by: Vec::new() }
}

/// Asks for gauges that templates put into one measurement.
pub(super) fn ask_all(gauges: &[Gauge]) -> Ask {
    let mut asks = gauges.iter().map(|&gauge| ask(gauge));
    let first = asks.next().expect("something is asked for");
    for other in asks {
        let (one, other) = (&first.meaning, &other.meaning);
        assert!(
            (&one.measurement, &one.field) == (&other.measurement, &other.field),
            "templates put {one:?} and {other:?} into measurements of their own"
        );
    }
    first
}

/// How long a stretch is, by which something is counted.
const EVERY: &str = "$__interval";

impl Ask {
    /// A series for each node.
    pub(super) fn by_node(self) -> Self {
        self.by("node")
    }

    /// A series for each value of a tag.
    pub(super) fn by(mut self, tag: &'static str) -> Self {
        assert!(
            self.meaning.tags.contains_key(tag),
            "templates give {:?} no tag `{tag}`",
            self.meaning
        );
        self.by.push(tag);
        self
    }

    /// Of all nodes, chosen or not.
    pub(super) fn of_all(self) -> Self {
        Self { of: Of::Nodes, ..self }
    }

    /// A counter, per second.
    pub(super) fn per_second(&self) -> Query {
        self.over_time("sum({}) * 1000 / $__interval_ms", "fill(0)")
    }

    /// A counter, per stretch of time.
    pub(super) fn counts(&self) -> Query {
        self.over_time("sum({})", "fill(0)")
    }

    /// How many timings there were, per second.
    pub(super) fn timings_per_second(&self) -> Query {
        self.over_time("sum(\"count\") * 1000 / $__interval_ms", "fill(0)")
    }

    /// A percentile of timings: the worst of all seconds, since percentiles cannot be averaged.
    pub(super) fn percentile(&self, percentile: u8) -> Query {
        self.over_time(&format!("max(\"{percentile}_percentile\")"), "fill(none)")
    }

    /// The mean of timings.
    pub(super) fn mean(&self) -> Query {
        let inner = self.select("\"sum\" AS \"ms\", \"count\" AS \"times\"", "");
        self.outer("sum(\"ms\") / sum(\"times\")", &inner, EVERY, "fill(none)")
    }

    /// A gauge.
    pub(super) fn level(&self) -> Query {
        self.over_time("last({})", "fill(null)")
    }

    /// A gauge that everybody sees for himself: the highest.
    pub(super) fn highest(&self) -> Query {
        self.over_time("max({})", "fill(null)")
    }

    /// A gauge of which everybody has a part: their sum.
    pub(super) fn sum_of_levels(&self) -> Query {
        self.sum_of_levels_every("sum(\"level\")", EVERY)
    }

    pub(super) fn sum_of_levels_every(&self, select: &str, every: &str) -> Query {
        let group = format!("GROUP BY time({every}), \"node\" fill(none)");
        let inner = self.select("last({}) AS \"level\"", &group);
        self.outer(select, &inner, every, "fill(none)")
    }

    /// A gauge that only grows, per second.
    pub(super) fn growth(&self) -> Query {
        self.over_time("non_negative_derivative(last({}), 1s)", "fill(none)")
    }

    /// A counter over the whole of the time, that everybody counts for himself: the highest.
    pub(super) fn highest_total(&self) -> Query {
        let group = "GROUP BY \"node\"";
        let inner = self.select("sum({}) AS \"total\"", group);
        self.query(format!("SELECT max(\"total\") FROM ({inner})"))
    }

    /// How many nodes there are of which anything was heard, in each of such stretches of time.
    pub(super) fn nodes_heard(&self, every: Option<&str>) -> Query {
        let select = "last({}) AS \"heard\"";
        let Some(every) = every else {
            let inner = self.select(select, "GROUP BY \"node\"");
            return self.query(format!("SELECT count(\"heard\") FROM ({inner})"));
        };
        let group = format!("GROUP BY time({every}), \"node\" fill(none)");
        let inner = self.select(select, &group);
        self.outer("count(\"heard\")", &inner, every, "fill(none)")
    }

    /// A counter, per stretch of time in which there was any.
    pub(super) fn counts_if_any(&self) -> Query {
        self.over_time("sum({})", "fill(none)")
    }

    fn over_time(&self, select: &str, fill: &str) -> Query {
        self.every(select, EVERY, fill)
    }

    /// Anything else, in stretches of time as they are given; `{}` stands for the field.
    pub(super) fn every(&self, select: &str, every: &str, fill: &str) -> Query {
        let group = self.group(every, fill);
        let text = self.select(select, &group);
        self.query(text)
    }

    /// `{}` stands for the field.
    fn select(&self, select: &str, group: &str) -> String {
        let Meaning { measurement, field, .. } = &self.meaning;
        let select = select.replace("{}", &format!("\"{field}\""));
        let of = match self.of {
            Of::Chosen => format!("\"node\" =~ /^$node$/ AND \"node\" != '{FEDERATION}' AND "),
            Of::Nodes => format!("\"node\" != '{FEDERATION}' AND "),
            Of::Whole => format!("\"node\" = '{FEDERATION}' AND "),
            Of::Hosts => String::new(),
        };
        let text = format!("SELECT {select} FROM \"{measurement}\" WHERE {of}$timeFilter {group}");
        text.trim_end().to_owned()
    }

    fn outer(&self, select: &str, from: &str, every: &str, fill: &str) -> Query {
        let group = self.group(every, fill);
        self.query(format!("SELECT {select} FROM ({from}) WHERE $timeFilter {group}"))
    }

    fn group(&self, every: &str, fill: &str) -> String {
        let tags: String = self.by.iter().map(|tag| format!(", \"{tag}\"")).collect();
        format!("GROUP BY time({every}){tags} {fill}")
    }

    fn query(&self, text: String) -> Query {
        let tags: Vec<_> = self.by.iter().map(|tag| format!("$tag_{tag}")).collect();
        Query { text, alias: tags.join(" "), is_table: false }
    }
}

impl Query {
    /// Says what its series are, beside their tags.
    pub(super) fn called(mut self, name: &str) -> Self {
        self.alias = format!("{} {name}", self.alias).trim_start().to_owned();
        self
    }

    /// A question as it stands.
    pub(super) fn raw(text: String, alias: &str) -> Self {
        Self { text, alias: alias.to_owned(), is_table: false }
    }

    /// A question that comes to rows.
    pub(super) fn table(text: String) -> Self {
        Self { text, alias: String::new(), is_table: true }
    }
}

/// The nodes of which there is anything: those that tell how long they have been up. The federation, which
/// is none of them, does not.
pub(super) fn nodes() -> String {
    let Meaning { measurement, .. } = Asked::Gauge(Gauge::ProcessUptime).meaning();
    format!(
        "SHOW TAG VALUES FROM \"{measurement}\" WITH KEY = \"node\" WHERE \"node\" != '{FEDERATION}'"
    )
}
