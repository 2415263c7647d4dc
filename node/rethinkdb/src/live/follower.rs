//! Feeds: a change is told as soon as it gets through to the server that the client is connected to.

use std::sync::Arc;

use super::operation::{Done, Interrupted, Refusal, Wanted};
use super::{Live, State};
use crate::TableId;
use crate::feeds::{Change, Feeds, Subscription, Wake};

/// A feed, as whoever follows holds it. Dropping it ends it.
pub(crate) struct Following {
    live: Arc<Live>,
    number: u64,
    /// What has got through.
    pub(crate) subscription: Subscription,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.live.act(|state, _, _| {
            state.followers.remove(&self.number);
            state.cluster.forget(self.number);
        });
    }
}

/// A feed as its table's changes find it.
pub(super) struct Follower {
    table: TableId,
    /// The one feed of this follower. It breaks with it.
    feed: Feeds,
    /// Whether it has begun.
    pub(super) is_open: bool,
    /// What cannot get through now, oldest first.
    held: Vec<(Vec<u8>, Change)>,
}

impl State {
    /// Tells all who follow, now or as soon as it gets through.
    pub(super) fn tell(&mut self, done: &[Done]) {
        for (&number, follower) in self.followers.iter_mut().filter(|(_, one)| one.is_open) {
            let Some(&table) = self.tables.get(&follower.table) else { continue };
            let own = done.iter().filter(|done| done.change.table == follower.table);
            for Done { key, change } in own {
                if follower.held.is_empty() && self.cluster.hears(number, table, key) {
                    follower.feed.tell(std::slice::from_ref(change));
                } else {
                    follower.held.push((key.clone(), change.clone()));
                }
            }
        }
    }

    /// What was held up gets through, as far as it can.
    pub(super) fn let_through(&mut self, number: u64) {
        let Some(follower) = self.followers.get_mut(&number) else { return };
        let Some(&table) = self.tables.get(&follower.table) else { return };
        let hears = |(key, _): &(Vec<u8>, Change)| self.cluster.hears(number, table, key);
        let (through, held): (Vec<_>, _) =
            std::mem::take(&mut follower.held).into_iter().partition(hears);
        follower.held = held;
        let changes: Vec<_> = through.into_iter().map(|(_, change)| change).collect();
        follower.feed.tell(&changes);
    }
}

/// Follows a table from now on; at most so many changes wait for the reader.
pub(super) fn follow(
    live: &Arc<Live>,
    wanted: Wanted,
    queue_max: usize,
    wake: Wake,
    interrupted: Interrupted<'_>,
) -> Result<Following, Refusal> {
    let table = wanted.table;
    let mut feed = Feeds::default();
    let subscription = feed.subscribe(table, queue_max, Some(wake));
    let follower = Follower { table, feed, is_open: false, held: Vec::new() };
    let asked = live.ask(wanted, Box::new(|_| Vec::new()), |state, number| {
        state.followers.insert(number, follower);
    });
    let Some((number, answer)) = asked else {
        return Err(crate::DatabaseError::from(crate::CatalogError::TableGone).into());
    };
    let following = Following { live: live.clone(), number, subscription };
    live.answer(number, &answer, interrupted)?;
    Ok(following)
}
