//! How a life begins: who the node is, its rules, its bounds.
//!
//! All that a core is made of but its private key, which whoever replays has from elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{Json, Keypair, NodeKey, Object, SignatureCheck};
use bigchaindb_core::rules::{self, ConsensusRules, Federation, Quirk, Quirks, UnknownRules};
use bigchaindb_core::stages::{Config, Settings};

use super::LineError;
use super::line::Read;

/// The form of records that this program writes, and the only one it reads.
const VERSION: i64 = 1;

/// Who a node is when it begins to live.
#[derive(Clone, PartialEq, Debug)]
pub struct Begun {
    /// Its public key.
    pub node: NodeKey,
    /// The other members, in its order.
    pub keyring: Vec<NodeKey>,
    /// The rules' profile, by name.
    pub rules: String,
    /// The safeguards that they do without.
    pub quirks: Quirks,
    /// Bounds and waits.
    pub settings: Settings,
}

impl Begun {
    pub(super) fn of(config: &Config, rules: &dyn ConsensusRules) -> Self {
        Self {
            node: config.federation.me().clone(),
            keyring: config.federation.others().to_vec(),
            rules: rules.name().to_owned(),
            quirks: rules.quirks().clone(),
            settings: config.settings.clone(),
        }
    }

    /// The configuration of this node, with its keys.
    pub(super) fn config(&self, keypair: Keypair) -> Config {
        let federation = Federation::new(self.node.clone(), self.keyring.clone());
        Config { keypair, federation, settings: self.settings.clone() }
    }

    /// Its rules.
    pub(super) fn rules(
        &self,
        signatures: Arc<dyn SignatureCheck>,
    ) -> Result<Arc<dyn ConsensusRules>, UnknownRules> {
        rules::without(&self.rules, &self.quirks, signatures)
    }

    pub(super) fn write(&self, line: &mut String) {
        let texts = |texts: Vec<&str>| Json::Array(texts.into_iter().map(Json::from).collect());
        let begun = Json::object([
            ("version", Json::from(VERSION)),
            ("node", self.node.as_str().into()),
            ("keyring", texts(self.keyring.iter().map(NodeKey::as_str).collect())),
            ("rules", self.rules.as_str().into()),
            ("quirks", texts(self.quirks.iter().map(|quirk| quirk.name()).collect())),
            ("settings", write_settings(&self.settings)),
        ]);
        line.push_str(&begun.to_string());
    }

    pub(super) fn read(line: &Json) -> Read<Self> {
        match line.get("version").and_then(Json::as_i64) {
            Some(VERSION) => {}
            found => return Err(LineError::Version { found }),
        }
        let texts = |name| -> Read<Vec<&str>> {
            let items = line.get(name).and_then(Json::as_array).ok_or(LineError::Field(name))?;
            items.iter().map(|item| item.as_str().ok_or(LineError::Field(name))).collect()
        };
        let text = |name| line.get(name).and_then(Json::as_str).ok_or(LineError::Field(name));
        let (keyring, quirks) = (texts("keyring")?, texts("quirks")?);
        let quirk = |name| Quirk::by_name(name).ok_or(LineError::Field("quirks"));
        Ok(Self {
            node: text("node")?.into(),
            keyring: keyring.into_iter().map(NodeKey::from).collect(),
            rules: text("rules")?.to_owned(),
            quirks: quirks.into_iter().map(quirk).collect::<Read<_>>()?,
            settings: read_settings(line.get("settings").ok_or(LineError::Field("settings"))?)?,
        })
    }
}

macro_rules! settings {
    (counts: $($count:ident)*; waits: $($wait:ident)*;) => {
        fn write_settings(settings: &Settings) -> Json {
            let Settings { $($count,)* $($wait,)* } = settings;
            let mut fields = Object::new();
            $(fields.insert(stringify!($count), Json::from(*$count as u64));)*
            $(fields.insert(stringify!($wait), Json::from(nanoseconds(*$wait)));)*
            fields.into()
        }

        fn read_settings(fields: &Json) -> Read<Settings> {
            Ok(Settings {
                $($count: number(fields, stringify!($count))?,)*
                $($wait: Duration::from_nanos(number(fields, stringify!($wait))?),)*
            })
        }
    };
}

settings! {
    counts: block_size unfinished waiting falls watched guarded chain page votes_page requests remembered;
    waits: block_wait retry retry_most reassign adopt missing undecided guard guard_most feed_gap
        store_retry poll clock_tolerance;
}

/// A length of time as records have it. One of more than five hundred years is as good as that.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn number<T: TryFrom<i128>>(fields: &Json, name: &'static str) -> Read<T> {
    let Some(Json::Int(number)) = fields.get(name) else { return Err(LineError::Field(name)) };
    T::try_from(*number).map_err(|_| LineError::Field(name))
}
