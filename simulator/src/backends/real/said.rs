//! What a node says in its log, as what it means.
//!
//! A node in a process of its own tells nothing else of itself. Its lines are those of
//! `node/src/cli/start.rs`, as the original wrote them. Counters are not in there, and not judged in this
//! world; how full a node is, it says to whoever has a hold on it (`apart::grip`).

use bigchaindb_core::model::BlockId;
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Report;

use super::Recorder;
use crate::observe::Befell;
use crate::plan::Point;

/// What a line of a node's log means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Said {
    /// A block is decided.
    Decided(BlockId, Election),
    /// A part of the node fell over: which, and why.
    Fell(String),
    /// It dies at a point of its work, as it was told.
    Dies(Point),
    /// Something that other worlds keep as a line of the log, too.
    Line(String),
}

/// What stands between the part that fell over and the reason.
const FELL: &str = " fell over and stands still until this node is started again: ";

/// What stands around the point at which a node dies: `node/src/control`.
const DIES: &str = "dies ";
const AS_TOLD: &str = ", as it was told";

impl Said {
    /// Writes down what a node has said, as other worlds would tell it.
    pub(in super::super) fn tell(self, recorder: &Recorder, node: usize) {
        match self {
            Self::Decided(block, election) => {
                recorder.report(node, Report::Decided { block, election });
            }
            Self::Fell(what) => recorder.tell_node(node, Befell::Failed, &what),
            Self::Line(text) => recorder.tell_node(node, Befell::Log, &text),
            Self::Dies(_) => {}
        }
    }

    /// Reads a line; none if it is one that nobody keeps.
    pub(in super::super) fn read(line: &str) -> Option<Self> {
        let (level, rest) = line.split_once(':')?;
        let (logger, text) = rest.split_once(':')?;
        match (level, logger) {
            ("INFO", "bigchaindb.pipelines.election") => decided(text),
            ("ERROR", "bigchaindb") => {
                if let Some((part, reason)) = text.split_once(FELL) {
                    return Some(Self::Fell(format!("{part}: {reason}")));
                }
                let point = text.strip_prefix(DIES)?.strip_suffix(AS_TOLD)?;
                point.parse().ok().map(Self::Dies)
            }
            // As other worlds tell it.
            ("WARNING", "bigchaindb.watchdog") => Some(Self::Line(uncapitalized(text))),
            ("WARNING", _) => Some(Self::Line(text.to_owned())),
            _ => None,
        }
    }
}

/// `Block {id} is decided valid`.
fn decided(text: &str) -> Option<Said> {
    let (block, election) = text.strip_prefix("Block ")?.split_once(" is decided ")?;
    let election = match election {
        "valid" => Election::Valid,
        "invalid" => Election::Invalid,
        _ => return None,
    };
    Some(Said::Decided(block.into(), election))
}

fn uncapitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_a_node_means_by_them() {
        let line = |text: &str| Some(Said::Line(text.to_owned()));
        for (said, means) in [
            (
                "INFO:bigchaindb.pipelines.election:Block ab12 is decided invalid",
                Some(Said::Decided("ab12".into(), Election::Invalid)),
            ),
            ("INFO:bigchaindb.pipelines.election:Block ab12 is decided perhaps", None),
            ("INFO:bigchaindb.pipelines.vote:Voted valid on block ab12", None),
            (
                "ERROR:bigchaindb:vote fell over and stands still until this node is started again: \
                 a: b",
                Some(Said::Fell("vote: a: b".to_owned())),
            ),
            (
                "ERROR:bigchaindb:dies before insert-vote, as it was told",
                Some(Said::Dies("before insert-vote".parse().unwrap())),
            ),
            ("ERROR:bigchaindb:dies of old age, as it was told", None),
            (
                "WARNING:bigchaindb.watchdog:Somebody deleted row ab of votes",
                line("somebody deleted row ab of votes"),
            ),
            ("WARNING:bigchaindb:the store is slow: 3 s", line("the store is slow: 3 s")),
            ("no line of a log", None),
            ("", None),
        ] {
            assert_eq!(Said::read(said), means, "{said}");
        }
    }
}
