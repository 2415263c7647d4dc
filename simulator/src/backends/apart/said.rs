//! What a node says in its log, as what it means.
//!
//! A node in a process of its own tells nothing else of itself. Its lines are those of
//! `node/src/cli/start.rs`, as the original wrote them. Levels, questions and counters are not in there:
//! what is judged by them is not judged in this world.

use bigchaindb_core::model::BlockId;
use bigchaindb_core::rules::Election;

/// What a line of a node's log means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// A block is decided.
    Decided(BlockId, Election),
    /// A part of the node fell over: which, and why.
    Fell(String),
    /// Something that other worlds keep as a line of the log, too.
    Line(String),
}

/// What stands between the part that fell over and the reason.
const FELL: &str = " fell over and stands still until this node is started again: ";

impl Said {
    /// Reads a line; none if it is one that nobody keeps.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (level, rest) = line.split_once(':')?;
        let (logger, text) = rest.split_once(':')?;
        match (level, logger) {
            ("INFO", "bigchaindb.pipelines.election") => decided(text),
            ("ERROR", "bigchaindb") => {
                let (part, reason) = text.split_once(FELL)?;
                Some(Self::Fell(format!("{part}: {reason}")))
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
