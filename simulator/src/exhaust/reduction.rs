//! Messages whose delivery is no choice: whenever they come, the same follows.
//!
//! Such a message is delivered as soon as it is under way, and the states in which it waits are left
//! out. Each rule has its argument here, and a test compares where small scopes end with the rules and
//! without. Two facts serve all of them. What reaches a node changes only that node, so a delivery to
//! one commutes with every step of others; what matters is the order among one node's own. And time
//! stands still while anything is under way, so a wait that is begun sooner or later ends at the same
//! time. A crash right after such a delivery is the crash right before: what the node made of it is
//! lost with it, and what it asked has not reached the store.

use bigchaindb_core::query::{Change, Feed, Query};

use super::world::{Asked, Message, Slot, State, World};

/// The next message that is no choice, if there is one.
pub(super) fn forced(world: &mut World, state: &State) -> Option<(usize, u32)> {
    for node in 0..world.len() {
        let slot = world.slot_of(state, node).clone();
        if slot.core.is_none() {
            continue;
        }
        let mut flight = slot.flight.iter().copied();
        let found = flight.find(|&message| {
            world.is_next(&slot, message) && is_forced(world, state, node, &slot, message)
        });
        if let Some(message) = found {
            return Some((node, message));
        }
    }
    None
}

fn is_forced(world: &mut World, state: &State, node: usize, slot: &Slot, message: u32) -> bool {
    match &*world.messages.get(message).clone() {
        Message::Question { query, .. } => match query {
            // Blocks are inserted and never touched again, so once all that is asked for are there the
            // answer is the same for ever. The vote stage, who alone asks, waits for nothing else
            // meanwhile: whether an earlier block is decided it asks when it goes on, and goes on when
            // one is. In either order it ends up with the same facts to gather.
            // The order stage claims a place once it has found its block. A claim that waits is as
            // good as a block not looked for yet: if others are faster, it learns so and claims the next.
            Query::Blocks { ids } | Query::KnownBlocks { ids } => {
                let tables = world.tables.get(state.tables);
                ids.iter().all(|id| tables.bigchain.contains_key(id))
            }
            // What these tell is remembered until time has passed, and feeds keep it true until then.
            Query::UnlistedBlocks { .. } | Query::Backlog { assignee: None, .. } => true,
            // What is to come in the list or among the votes has elements of its own, which make the node
            // read again: reading in vain now or later is all the same.
            Query::Positions { .. } | Query::Votes { .. } => !world.is_news(state, node, message),
            _ => false,
        },
        Message::Answer { to: Asked::Claim | Asked::Positions | Asked::Votes, .. } => {
            !world.is_news(state, node, message)
        }
        // The client is told, and no stage. An acknowledgement that comes sooner demands no less.
        Message::Answer { to: Asked::InsertBacklog, .. } => true,
        // Nothing comes of it but a report: what the node has taken over the feed tells it.
        Message::Answer { to: Asked::Reassign, .. } => true,
        // The next block begins, or would have begun: that makes a difference only if two more
        // transactions wait for it. And the block wants its place, for which it can wait as well.
        Message::Answer { to: Asked::InsertBlock, .. } => world.posts.len() <= 2,
        // What has left the backlog and does not come back is judged by nobody any more: whoever holds
        // it finds out when it gathers the facts.
        Message::Answer { to: Asked::DeleteBacklog, .. } => !world.posted_again,
        // Nobody but the order stage hears of blocks: it remembers one that has no place, and forgets
        // it when it has. By the time it acts on that, all of this has arrived.
        Message::Element { feed: Feed::Blocks, .. } => true,
        // The list is read, or read once more; that question can be asked as late as this could have
        // come, and the answer brings all there is then.
        Message::Element { feed: Feed::Positions, .. } => true,
        Message::Element { change: Change::Backlog { old, new }, .. } => {
            let me = world.key(node);
            match (old, new) {
                // What waits for another node is watched by the stale stage, which acts when time has
                // passed: by then all of this has arrived.
                _ if old.iter().chain(new).all(|row| row.assignee != *me) => true,
                // The facts are gathered for a block of this one, as late as this could have come; were
                // there others, they could share the block.
                (None, Some(_)) => world.posts.len() <= world.len(),
                (Some(_), None) => !world.posted_again,
                _ => false,
            }
        }
        // A vote on a block that the node knows to be decided, and has seen its own vote on, is no news
        // and never will be. It means nothing now for no other reason, as no votes are being read.
        Message::Element { feed: Feed::Votes, .. } => {
            !is_reading_votes(world, slot) && world.is_idle(state, node, message)
        }
        _ => false,
    }
}

/// Whether a message does what an earlier one does: votes on one block, of whomever, wake alike.
pub(super) fn repeats(world: &World, earlier: &[u32], message: u32) -> bool {
    let block_of = |number: u32| match &**world.messages.get(number) {
        Message::Element { change: Change::Vote(row), .. } => Some(row.vote.block().clone()),
        _ => None,
    };
    let block = block_of(message);
    block.is_some() && earlier.iter().any(|other| block_of(*other) == block)
}

fn is_reading_votes(world: &World, slot: &Slot) -> bool {
    slot.flight.iter().any(|other| match &**world.messages.get(*other) {
        Message::Question { query, .. } => matches!(query, Query::Votes { .. }),
        Message::Answer { to, .. } => *to == Asked::Votes,
        _ => false,
    })
}
