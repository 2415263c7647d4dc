//! Templates: how a name with dots becomes a measurement, tags and a field.
//!
//! A template is a filter and a pattern: `bigchaindb.*.queue.* measurement.node.measurement.stage`. The
//! filter's parts have to be the name's first ones, `*` being any; of those that fit, the one with the most
//! parts counts. The pattern says of each part what it is: of the measurement, nothing (an empty word), the
//! field, or a tag's value; `measurement*` is all that is left.
//!
//! Source: Telegraf, "Template Patterns".

use std::collections::BTreeMap;

use toml_edit::DocumentMut;

/// The configuration of Telegraf, which says how names are read.
pub(crate) const TELEGRAF: &str = include_str!("../../telegraf.conf");

/// Joins parts of a measurement, and of a tag.
const SEPARATOR: &str = "_";

/// A field that no part of a name names.
const FIELD: &str = "value";

/// All templates there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Templates(Vec<Template>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Template {
    filter: Vec<String>,
    pattern: Vec<String>,
}

/// What a name means.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Meaning {
    pub(crate) measurement: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) field: String,
}

/// Templates that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadTemplates(String);

impl Templates {
    /// Those of this project's `telegraf.conf`.
    pub fn ours() -> Self {
        Self::read(TELEGRAF).expect("a test reads it")
    }

    /// Those of a configuration of Telegraf.
    ///
    /// # Errors
    /// If it is no TOML, or a template is none.
    pub fn read(telegraf: &str) -> Result<Self, BadTemplates> {
        let document: DocumentMut =
            telegraf.parse().map_err(|error| BadTemplates(format!("no TOML: {error}")))?;
        let inputs = document.get("inputs").and_then(|inputs| inputs.get("statsd"));
        let statsd = inputs.and_then(|inputs| inputs.as_array_of_tables()?.get(0));
        let templates = statsd.and_then(|statsd| statsd.get("templates")?.as_array());
        let templates = templates.ok_or_else(|| {
            BadTemplates("there are no `templates` in `[[inputs.statsd]]`".to_owned())
        })?;
        let read = |template: &toml_edit::Value| {
            let text = template.as_str().unwrap_or_default();
            Template::read(text)
                .ok_or_else(|| BadTemplates(format!("`{text}` is no filter and pattern")))
        };
        templates.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// What a name means; by no template it is a measurement as it stands.
    pub(crate) fn meaning(&self, name: &str) -> Meaning {
        let parts: Vec<&str> = name.split('.').collect();
        let fit = self.0.iter().filter(|template| template.fits(&parts));
        match fit.max_by_key(|template| template.filter.len()) {
            Some(template) => template.meaning(&parts),
            None => {
                let (measurement, tags) = (parts.join(SEPARATOR), BTreeMap::new());
                Meaning { measurement, tags, field: FIELD.to_owned() }
            }
        }
    }
}

impl Template {
    fn read(text: &str) -> Option<Self> {
        let (filter, pattern) = text.split_once(' ')?;
        let parts = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (filter, pattern) = (parts(filter), parts(pattern));
        let has_measurement = pattern.iter().any(|part| part.starts_with("measurement"));
        has_measurement.then_some(Self { filter, pattern })
    }

    fn fits(&self, parts: &[&str]) -> bool {
        let mut pairs = self.filter.iter().zip(parts);
        // A wildcard stands for a part, not for none: a name with two dots in a row has an empty one.
        self.filter.len() <= parts.len()
            && pairs.all(|(filter, part)| filter == part || (filter == "*" && !part.is_empty()))
    }

    fn meaning(&self, parts: &[&str]) -> Meaning {
        let mut measurement = Vec::new();
        let mut tags: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut field = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            match self.pattern.get(index).map(String::as_str) {
                Some("measurement*") => {
                    measurement.extend(&parts[index..]);
                    break;
                }
                Some("measurement") => measurement.push(*part),
                Some("field") => field.push(*part),
                Some("") | None => {}
                Some(tag) => tags.entry(tag.to_owned()).or_default().push(part),
            }
        }
        let join = |parts: Vec<&str>| parts.join(SEPARATOR);
        Meaning {
            measurement: join(measurement),
            tags: tags.into_iter().map(|(tag, parts)| (tag, join(parts))).collect(),
            field: if field.is_empty() { FIELD.to_owned() } else { join(field) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_measurements_and_tags() {
        let templates = Templates::ours();
        let meaning = |name| {
            let Meaning { measurement, tags, field } = templates.meaning(name);
            let tags: Vec<_> = tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
            format!("{measurement} {} {field}", tags.join(","))
        };
        for (name, means) in [
            ("node0..write_transaction", "write_transaction node=node0 value"),
            (
                "ip-10-0-0-1.ec2.internal..write_transaction",
                "write_transaction node=ip-10-0-0-1_ec2_internal value",
            ),
            ("bigchaindb.n1.tx.written", "bigchaindb_tx_written node=n1 value"),
            (
                "bigchaindb.n1.http.transaction.GET.404",
                "bigchaindb_http code=404,endpoint=transaction,method=GET,node=n1 value",
            ),
            ("bigchaindb.n1.http.short", "bigchaindb_http_short node=n1 value"),
            ("bigchaindb.n1.process.cpu_ms", "bigchaindb_process node=n1 cpu_ms"),
            ("somebody.elses", "somebody_elses  value"),
        ] {
            assert_eq!(meaning(name), means);
        }
    }

    #[test]
    fn what_are_no_templates_is_told() {
        for (text, told) in [
            ("[", "no TOML"),
            ("a = 1", "no `templates`"),
            ("[[inputs.statsd]]\ntemplates = [\"a.* node.tag\"]", "`a.* node.tag` is no"),
            ("[[inputs.statsd]]\ntemplates = [\"measurement\"]", "`measurement` is no"),
        ] {
            let said = Templates::read(text).unwrap_err().to_string();
            assert!(said.contains(told), "{said}");
        }
    }
}
