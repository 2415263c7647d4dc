//! What a node's reports become in the observation log, whichever world it lives in.

use std::sync::Arc;

use bigchaindb_core::stages::Report;

use crate::observe::{Befell, Decided, NodeEvent, Record};

/// The record of a report; of what the tables show anyway there is none.
pub(super) fn record(node: &Arc<str>, report: &Report) -> Option<Record> {
    let node = Arc::clone(node);
    let (event, text) = match report {
        Report::Decided { block, election } => {
            let (block, election) = (block.clone(), *election);
            return Some(Record::Decided(Decided { node, block, election }));
        }
        Report::Fell { part, reason } => (Befell::Failed, format!("{part}: {reason}")),
        other => (Befell::Log, line(other)?),
    };
    Some(Record::Node(NodeEvent { node, event, text: text.into() }))
}

/// What a node's log says of it.
fn line(report: &Report) -> Option<String> {
    Some(match report {
        Report::Decided { .. }
        | Report::Fell { .. }
        | Report::BlockWritten { .. }
        | Report::Cast { .. }
        | Report::Twin { .. }
        | Report::Listed { .. }
        | Report::Judged { .. }
        | Report::Requeued { .. }
        | Report::Ignored { .. }
        | Report::Voted { reason: None, .. } => return None,
        Report::Voted { block, reason: Some(reason), .. } => {
            format!("voted invalid on block {block}: {reason}")
        }
        Report::Dropped { transaction, reason } => format!("dropped {transaction}: {reason}"),
        Report::Reassigned { transaction, from } => format!("took over {transaction} from {from}"),
        Report::Harmed { table, key, deleted } => {
            let how = if *deleted { "deleted" } else { "changed" };
            format!("somebody {how} {key} of {table}")
        }
        Report::PutBack { table, key } => format!("put back {key} of {table}"),
        Report::Trouble(text) => text.clone(),
    })
}
