//! A line of the log read back; `line` writes it and says what it looks like.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{BlockId, Json, NodeKey, ParseJsonError, TxId};
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Levels;

use super::{
    Act, Befell, Call, Change, Counter, Decided, Deed, Done, End, Fault, FinalRow, Gauge, Kind,
    Member, NodeEvent, Observed, OldRow, Operation, Owned, OwnedOutput, Phase, Record, Run, Stored,
    Table, What, election_word, row_id,
};

/// Why a line is no record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LineError {
    /// It is no JSON.
    #[error("not JSON")]
    NotJson(#[source] ParseJsonError),
    /// A field is missing or cannot be that.
    #[error("`{0}` is missing or not what it should be")]
    Field(&'static str),
}

impl Observed {
    /// Reads a line back.
    ///
    /// # Errors
    /// [`LineError`] if the line is no record.
    pub fn parse_line(line: &[u8]) -> Result<Self, LineError> {
        let fields = Fields(&Json::parse(line).map_err(LineError::NotJson)?);
        let at_us = fields.seconds("at")?;
        let record = match fields.0.get("record").map(Json::as_str) {
            None => Record::Change(fields.change()?),
            Some(Some("run")) => Record::Run(fields.run()?),
            Some(Some("operation")) => Record::Operation(fields.operation()?),
            Some(Some("fault")) => Record::Fault(Fault {
                number: fields.number("number")?,
                kind: fields.text("kind")?,
                phase: fields.word("phase", Phase::from_word)?,
                target: fields.text("target")?,
            }),
            Some(Some("decided")) => Record::Decided(Decided {
                node: fields.text("node")?,
                block: BlockId::from(&*fields.text("block")?),
                election: fields.word("election", election_from_word)?,
            }),
            Some(Some("node")) => Record::Node(NodeEvent {
                node: fields.text("node")?,
                event: fields.word("event", Befell::from_word)?,
                text: fields.text("text")?,
            }),
            Some(Some("act")) => Record::Act(Act {
                node: fields.text("node")?,
                act: fields.text("act")?,
                table: fields.word("table", Table::from_word)?,
                key: fields.text("key")?,
            }),
            Some(Some("gauge")) => Record::Gauge(fields.gauge()?),
            Some(Some("stored")) => Record::Stored(fields.stored()?),
            Some(Some("counter")) => Record::Counter(Counter {
                node: fields.text("node")?,
                name: fields.text("name")?,
                value: fields.number("value")?,
            }),
            Some(Some("owned")) => Record::Owned(fields.owned()?),
            Some(Some("final")) => Record::Final(FinalRow {
                table: fields.word("table", Table::from_word)?,
                row: Arc::new(fields.0.get("row").ok_or(LineError::Field("row"))?.clone()),
            }),
            Some(Some("end")) => Record::End(End {
                shortfalls: fields.list("shortfalls", |item| item.as_str().map(Arc::from))?,
            }),
            Some(_) => return Err(LineError::Field("record")),
        };
        Ok(Self { at_us, record })
    }
}

fn election_from_word(word: &str) -> Option<Election> {
    [Election::Valid, Election::Invalid, Election::Undecided]
        .into_iter()
        .find(|election| election_word(*election) == word)
}

/// A parsed line.
struct Fields<'a>(&'a Json);

impl Fields<'_> {
    fn text(&self, key: &'static str) -> Result<Arc<str>, LineError> {
        self.optional(key)?.ok_or(LineError::Field(key))
    }

    fn optional(&self, key: &'static str) -> Result<Option<Arc<str>>, LineError> {
        match self.0.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some((**text).into())),
            Some(_) => Err(LineError::Field(key)),
        }
    }

    fn number(&self, key: &'static str) -> Result<u64, LineError> {
        let Some(Json::Int(number)) = self.0.get(key) else { return Err(LineError::Field(key)) };
        u64::try_from(*number).map_err(|_| LineError::Field(key))
    }

    fn count(&self, key: &'static str) -> Result<usize, LineError> {
        usize::try_from(self.number(key)?).map_err(|_| LineError::Field(key))
    }

    fn word<T>(
        &self,
        key: &'static str,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Result<T, LineError> {
        meaning(&self.text(key)?).ok_or(LineError::Field(key))
    }

    fn list<T>(
        &self,
        key: &'static str,
        item: impl Fn(&Json) -> Option<T>,
    ) -> Result<Vec<T>, LineError> {
        let items = self.0.get(key).and_then(Json::as_array).ok_or(LineError::Field(key))?;
        items.iter().map(|value| item(value).ok_or(LineError::Field(key))).collect()
    }

    /// A list that older logs lack.
    fn list_or_none<T>(
        &self,
        key: &'static str,
        item: impl Fn(&Json) -> Option<T>,
    ) -> Result<Vec<T>, LineError> {
        if self.0.get(key).is_none() { Ok(Vec::new()) } else { self.list(key, item) }
    }

    /// Seconds as microseconds, rounded; exact up to 2⁵³ µs (285 years).
    fn seconds(&self, key: &'static str) -> Result<u64, LineError> {
        match self.0.get(key) {
            Some(Json::Int(seconds)) => u64::try_from(*seconds)
                .ok()
                .and_then(|seconds| seconds.checked_mul(1_000_000))
                .ok_or(LineError::Field(key)),
            Some(Json::Float(seconds)) if (0.0..9e9).contains(seconds) =>
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "in 0..9e15, as the guard says"
                )]
                Ok((seconds * 1e6).round() as u64)
            }
            _ => Err(LineError::Field(key)),
        }
    }

    fn run(&self) -> Result<Run, LineError> {
        let member = |node: &Json| {
            Some(Member {
                name: node.get("name")?.as_str()?.into(),
                key: NodeKey::from(node.get("key")?.as_str()?),
                rules: node.get("rules").and_then(Json::as_str).map(Arc::from),
                external: node.get("external").and_then(Json::as_bool).unwrap_or(false),
            })
        };
        Ok(Run {
            scenario: self.text("scenario")?,
            seed: self.number("seed")?,
            backend: self.text("backend")?,
            rules: self.text("rules")?,
            quirks: self.list_or_none("quirks", |name| name.as_str().map(Arc::from))?,
            byzantine: self.list_or_none("byzantine", |name| name.as_str().map(Arc::from))?,
            nodes: self.list("nodes", member)?,
            started_unix_ms: self.number("started_unix_ms")?,
            thinned: self.0.get("thinned").and_then(Json::as_bool).unwrap_or(false),
        })
    }

    fn operation(&self) -> Result<Operation, LineError> {
        let http = match self.0.get("http") {
            None | Some(Json::Null) => None,
            Some(Json::Int(status)) => {
                Some(u16::try_from(*status).map_err(|_| LineError::Field("http"))?)
            }
            Some(_) => return Err(LineError::Field("http")),
        };
        Ok(Operation {
            number: self.number("number")?,
            process: self.number("process")?,
            kind: self.word("kind", Kind::from_word)?,
            call: self.word("call", Call::from_word)?,
            what: self.word("what", What::from_word)?,
            node: self.text("node")?,
            tx: self.optional("tx")?.map(|id| TxId::from(&*id)),
            intended_us: self.number("intended_us")?,
            http,
            value: self.optional("value")?,
            document: self.0.get("document").map(|document| Arc::new(document.clone())),
        })
    }

    fn gauge(&self) -> Result<Gauge, LineError> {
        let oldest = match self.0.get("oldest_us") {
            None | Some(Json::Null) => None,
            Some(_) => Some(Duration::from_micros(self.number("oldest_us")?)),
        };
        let levels = Levels {
            undecided: self.count("undecided")?,
            backlog: self.count("backlog")?,
            mine: self.count("mine")?,
            oldest,
            api: self.count("api")?,
            block: self.count("block")?,
            vote: self.count("vote")?,
            election: self.count("election")?,
            stale: self.count("stale")?,
        };
        let (node, questions) = (self.text("node")?, self.number("questions")?);
        Ok(Gauge { node, levels, questions })
    }

    fn stored(&self) -> Result<Stored, LineError> {
        let done = match self.optional("done")? {
            Some(word) => Some(Done::from_word(&word).ok_or(LineError::Field("done"))?),
            None => None,
        };
        Ok(Stored {
            number: self.number("number")?,
            node: self.text("node")?,
            kind: self.word("kind", Kind::from_word)?,
            deed: self.word("deed", Deed::from_word)?,
            table: self.word("table", Table::from_word)?,
            key: self.text("key")?,
            from: self.optional("from")?,
            value: self.optional("value")?,
            done,
        })
    }

    fn owned(&self) -> Result<Owned, LineError> {
        let output = |output: &Json| {
            Some(OwnedOutput {
                txid: TxId::from(output.get("txid")?.as_str()?),
                cid: u64::try_from(output.get("cid")?.as_i64()?).ok()?,
            })
        };
        let outputs = match self.optional("error")? {
            Some(error) => Err(error),
            None => Ok(self.list("outputs", output)?),
        };
        Ok(Owned { node: self.text("node")?, owner: self.text("owner")?, outputs })
    }

    fn change(&self) -> Result<Change, LineError> {
        let row = |key| match self.0.get(key) {
            None | Some(Json::Null) => None,
            Some(row) => Some(Arc::new(row.clone())),
        };
        let new = row("new_val");
        let old = match self.0.get("old") {
            Some(Json::Bool(false)) => None,
            Some(Json::Bool(true)) => {
                let row = row("old_val");
                let id = self.optional("old_id")?.or_else(|| row_id(row.as_deref()?));
                Some(OldRow { id: id.ok_or(LineError::Field("old_id"))?, row })
            }
            _ => return Err(LineError::Field("old")),
        };
        Ok(Change { table: self.word("table", Table::from_word)?, old, new })
    }
}
