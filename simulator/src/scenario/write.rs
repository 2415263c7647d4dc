//! A plan as a scenario: the file that makes this very plan again.
//!
//! Every part of a plan is named here once, without `..`, so that whoever adds one hears of it from the
//! compiler; what operations, faults and Byzantine members are made of is `spelling`'s business. What is
//! written is read again before it is handed out: a file that would make another plan is none. Start at
//! [`scenario`].

use serde::Serialize;
use serde_json::Value as Json;

use super::spelling::{bare, duration, pair, text, value};
use super::{DEFAULT_SEED, Federation, Scenario, ScenarioError, federation};
use crate::checkers::QUEUE_MAX;
use crate::plan::{self, BOUNDS, Bound, Bounds, Costs, Expect, Links, LogDetail, Plan, Store};

/// Why a plan has no file.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file would not be accepted.
    #[error("the scenario of this plan would be refused")]
    Refused(#[source] Box<ScenarioError>),
    /// The file would make another plan.
    #[error("a scenario cannot say all that is in this plan")]
    Another,
}

/// The text of a scenario that makes this plan, with any seed that is the plan's. `story` opens it;
/// `digest` is what its run is to have.
///
/// # Errors
/// [`WriteError`], if scenarios cannot say what is in the plan.
pub fn scenario(plan: &Plan, story: &str, digest: Option<&str>) -> Result<String, WriteError> {
    let text = lines(plan, story, digest);
    let refused = |error| WriteError::Refused(Box::new(error));
    let read = Scenario::parse("shrunk.toml", &text, None).map_err(refused)?;
    let again = plan::make(&read, read.seed).map_err(refused)?;
    if again == *plan { Ok(text) } else { Err(WriteError::Another) }
}

fn lines(plan: &Plan, story: &str, digest: Option<&str>) -> String {
    let Plan {
        scenario,
        seed,
        backend,
        rules,
        quirks,
        bounds,
        start_gap_us,
        nodes,
        store,
        links,
        costs,
        operations,
        faults,
        byzantine,
        quiet_from_us,
        end_us,
        expect,
        log,
    } = plan;
    let mut file = File::default();
    for line in story.lines() {
        file.line(format!("# {line}").trim_end());
    }
    file.gap();
    file.put("name", text(scenario));
    if *seed != DEFAULT_SEED {
        file.put("seed", seed.to_string());
    }
    file.put("backend", text(backend.name()));
    let quiet = plan.last_moment_us();
    if *quiet_from_us != quiet {
        file.put("quiet_from", text(&duration(*quiet_from_us)));
    }
    if *end_us != quiet_from_us + expect.decided_after_heal_us {
        file.put("duration", text(&duration(*end_us)));
    }
    if *log == LogDetail::Thinned {
        file.put("log", text("thinned"));
    }
    file.gap();
    file.line("[federation]");
    let external = nodes.iter().filter(|node| node.external.is_some());
    file.put("nodes", (nodes.len() - external.clone().count()).to_string());
    file.safeguards(rules, quirks);
    file.bounds(bounds);
    let usual = Federation::default();
    if *rules != usual.rules || *start_gap_us != usual.start_gap_us {
        file.put("start_gap", text(&duration(*start_gap_us)));
    }
    file.store(store, links);
    for member in external {
        file.external(member);
    }
    file.links(links);
    file.differing("costs", costs, &Costs::default());
    for operation in operations {
        file.table("operation", operation);
    }
    for fault in faults {
        file.table("fault", fault);
    }
    for member in byzantine {
        file.table("byzantine", member);
    }
    file.expect(expect, digest);
    file.text
}

/// The file so far.
#[derive(Default)]
struct File {
    text: String,
}

impl File {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn put(&mut self, key: &str, value: String) {
        self.line(&format!("{} = {value}", bare(key)));
    }

    fn safeguards(&mut self, rules: &str, quirks: &[String]) {
        if rules != Federation::default().rules {
            self.put("rules", text(rules));
        }
        if !quirks.is_empty() {
            self.put("quirks", value(&json(quirks)));
        }
    }

    fn bounds(&mut self, Bounds(bounds): &Bounds) {
        let is_wait = |name: &str| {
            BOUNDS.iter().any(|(other, bound)| *other == name && matches!(bound, Bound::Wait(_)))
        };
        let pairs = bounds.iter().map(|(name, bound)| match is_wait(name) {
            true => format!("{name} = {}", text(&duration(*bound))),
            false => format!("{name} = {bound}"),
        });
        let pairs: Vec<_> = pairs.collect();
        if !pairs.is_empty() {
            self.put("bounds", format!("{{ {} }}", pairs.join(", ")));
        }
    }

    fn store(&mut self, store: &Store, links: &Links) {
        let usual = federation::usual_store(links);
        let mut differing = json_difference(store, &usual);
        if let Json::Object(fields) = &mut differing
            && let Some(engine) = fields.remove("engine")
        {
            self.put("store", value(&engine));
        }
        if let Json::Object(fields) = &mut differing
            && fields.contains_key("timing")
        {
            fields.insert("timing".to_owned(), json_difference(&store.timing, &usual.timing));
        }
        if differing.as_object().is_some_and(|fields| !fields.is_empty()) {
            self.put("rethinkdb", value(&differing));
        }
    }

    fn external(&mut self, member: &plan::Node) {
        // A key that a machine has of its own is the machine's affair.
        let plan::Node { name, key: _, external } = member;
        let Some(external) = external else { return };
        self.gap();
        self.line("[[federation.external]]");
        self.put("name", text(name));
        let Json::Object(fields) = json(external) else { unreachable!("it is an object") };
        for (key, json) in &fields {
            self.put(key, value(json));
        }
    }

    fn links(&mut self, links: &Links) {
        let usual = Links::default();
        let Links { latency_us, jitter_us, reorder } = links;
        if *links == usual {
            return;
        }
        self.gap();
        self.line("[links]");
        let (latency, jitter) = (text(&duration(*latency_us)), text(&duration(*jitter_us)));
        self.put("default", format!("{{ latency = {latency}, jitter = {jitter} }}"));
        if *reorder != usual.reorder {
            // Parts per million, in per cent.
            self.put("reorder", text(&format!("{}.{:04}%", reorder / 10_000, reorder % 10_000)));
        }
    }

    /// A table of all that is not as usual; none, if all is.
    fn differing<T: Serialize>(&mut self, name: &str, told: &T, usual: &T) {
        let Json::Object(fields) = json_difference(told, usual) else { return };
        if fields.is_empty() {
            return;
        }
        self.gap();
        self.line(&format!("[{name}]"));
        for (key, value) in fields.iter().filter_map(|(key, json)| pair(key, json)) {
            self.put(&key, value);
        }
    }

    /// One of a list of tables.
    fn table(&mut self, name: &str, told: &impl Serialize) {
        self.gap();
        self.line(&format!("[[{name}]]"));
        let Json::Object(fields) = json(told) else { unreachable!("parts of a plan are objects") };
        for (key, value) in fields.iter().filter_map(|(key, json)| pair(key, json)) {
            self.put(&key, value);
        }
    }

    fn expect(&mut self, expect: &Expect, digest: Option<&str>) {
        let Expect {
            invariants,
            violations,
            decided_after_heal_us,
            finality,
            queue_max,
            store_history,
        } = expect;
        self.gap();
        self.line("[expect]");
        if let Some(invariants) = invariants {
            self.put("invariants", value(&json(invariants)));
        }
        if !violations.is_empty() {
            self.put("violations", value(&json(violations)));
        }
        self.put("decided_after_heal", text(&duration(*decided_after_heal_us)));
        if *store_history {
            self.put("store_history", "true".to_owned());
        }
        if *queue_max != QUEUE_MAX {
            self.put("queue_max", queue_max.to_string());
        }
        if !finality.is_empty() {
            let bound = |bound: &plan::Percentile| {
                let limit = text(&format!("<= {}", duration(bound.limit_us)));
                format!("{} = {limit}", bound.name)
            };
            let bounds: Vec<_> = finality.iter().map(bound).collect();
            self.put("finality", format!("{{ {} }}", bounds.join(", ")));
        }
        if let Some(digest) = digest {
            self.put("digest", text(digest));
        }
    }
}

fn json(told: &(impl Serialize + ?Sized)) -> Json {
    serde_json::to_value(told).expect("parts of a plan have a JSON form")
}

/// The fields that are not as usual.
fn json_difference<T: Serialize>(told: &T, usual: &T) -> Json {
    let (mut told, usual) = (json(told), json(usual));
    if let Json::Object(fields) = &mut told {
        fields.retain(|key, json| usual.get(key) != Some(json));
    }
    told
}
