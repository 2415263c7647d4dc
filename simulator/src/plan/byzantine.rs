//! Byzantine members: who acts against the rules, how, and when.
//!
//! Here: the acts there are, and how members are chosen. A Byzantine member counts against the budget
//! of lost nodes for the whole run, whatever it does. Not here: how an act is done
//! (`backends::sim::byzantine`).

use serde::{Deserialize, Serialize};

use crate::chance::{Domain, draw};
use crate::scenario::{ByzantineEntry, Scenario, ScenarioError, Target, minority};

/// A member that acts against the rules for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Byzantine {
    /// Its number.
    pub number: u32,
    /// Who, as an index into [`Plan::nodes`](super::Plan::nodes).
    pub node: usize,
    /// What it does; on each occasion one of those that fit.
    pub acts: Vec<Act>,
    /// When it begins.
    pub at_us: u64,
    /// From here on it keeps to the rules.
    pub until_us: u64,
    /// Which share of its occasions it uses, in parts per million.
    pub share: u32,
}

/// Writes the list of acts: a variant, its name, and whether it only inserts rows.
macro_rules! acts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $harm:ident,)*) => {
        /// What a Byzantine member does that none should.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Act { $($(#[$doc])* $variant,)* }

        impl Act {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in scenarios and logs.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it leaves alone what others have written.
            pub fn only_inserts(self) -> bool {
                match self { $(Self::$variant => matches!(Harm::$harm, Harm::Inserts),)* }
            }
        }
    };
}

enum Harm {
    Inserts,
    Changes,
}

acts! {
    /// Votes every block invalid.
    VotesInvalid = "votes-invalid" Inserts,
    /// Votes twice on a block, with different answers, under keys of its own and of chance.
    VotesTwice = "votes-twice" Inserts,
    /// Writes votes in the name of others, under keys of chance.
    ForgesVotes = "forges-votes" Inserts,
    /// The same, under the keys that those others will want for their votes.
    SquatsVotes = "squats-votes" Inserts,
    /// Leaves its vote without a proper signature.
    UnsignedVotes = "unsigned-votes" Inserts,
    /// Has a stranger vote.
    StrangersVotes = "strangers-votes" Inserts,
    /// Names another previous block than the list's.
    WrongPrevious = "wrong-previous" Inserts,
    /// Votes on blocks that do not exist.
    VotesOnNothing = "votes-on-nothing" Inserts,
    /// Does not vote.
    Silent = "silent" Inserts,
    /// Votes late.
    DelaysVotes = "delays-votes" Inserts,
    /// Puts an invalid transaction into a block.
    IncludesInvalid = "includes-invalid" Inserts,
    /// Spends an asset of its own in two blocks.
    IncludesDoubleSpend = "includes-double-spend" Inserts,
    /// Puts a transaction into a block twice.
    IncludesTwice = "includes-twice" Inserts,
    /// Puts two spends of one output into a block.
    IncludesConflict = "includes-conflict" Inserts,
    /// Puts a GENESIS transaction into a block.
    IncludesGenesis = "includes-genesis" Inserts,
    /// Puts a CREATE into a block that spends an output besides.
    IncludesCreateSpend = "includes-create-spend" Inserts,
    /// Puts transactions of odd shape into blocks: the odd documents that clients may post.
    IncludesOdd = "includes-odd" Inserts,
    /// Puts decided transactions into a new block.
    ReplaysDecided = "replays-decided" Inserts,
    /// Names other voters in a block than the federation: itself alone, or strangers too.
    WrongVoters = "wrong-voters" Inserts,
    /// Makes blocks without transactions.
    EmptyBlock = "empty-block" Inserts,
    /// Makes a block of more than a thousand transactions, once.
    HugeBlock = "huge-block" Inserts,
    /// Makes a block whose id is not its hash.
    WrongHash = "wrong-hash" Inserts,
    /// Makes a block that it has not signed.
    WrongSignature = "wrong-signature" Inserts,
    /// Makes a block of tomorrow.
    FutureBlock = "future-block" Inserts,
    /// Makes a block of yesterday.
    PastBlock = "past-block" Inserts,
    /// Writes many blocks.
    FloodsBlocks = "floods-blocks" Inserts,
    /// Gives its blocks no place in the list.
    NeverLists = "never-lists" Inserts,
    /// Claims places for blocks that do not exist.
    ClaimsNothing = "claims-nothing" Inserts,
    /// Claims two places for a block.
    ClaimsTwice = "claims-twice" Inserts,
    /// Claims places far beyond the end of the list.
    ClaimsAhead = "claims-ahead" Inserts,
    /// Writes rubbish into the next place.
    ClaimsRubbish = "claims-rubbish" Inserts,
    /// Makes several genesis blocks.
    EquivocatesGenesis = "equivocates-genesis" Inserts,
    /// Puts no transaction that is assigned to it into a block.
    DropsAssigned = "drops-assigned" Inserts,
    /// Assigns what clients post to itself.
    AssignsSelf = "assigns-self" Inserts,
    /// Assigns what clients post to somebody who is no member.
    AssignsStrangers = "assigns-strangers" Inserts,
    /// Writes rows into the backlog that are no transactions.
    MalformedBacklog = "malformed-backlog" Inserts,
    /// Writes transactions of odd shape into the backlog.
    OddBacklog = "odd-backlog" Inserts,
    /// Writes transactions into the backlog under another id than their own.
    WrongIds = "wrong-ids" Inserts,
    /// Takes over what is assigned to others.
    Steals = "steals" Inserts,
    /// Runs a second node with its key.
    Twin = "twin" Inserts,
    /// Changes others' blocks.
    EditsBlocks = "edits-blocks" Changes,
    /// Deletes others' blocks.
    DeletesBlocks = "deletes-blocks" Changes,
    /// Changes others' votes.
    EditsVotes = "edits-votes" Changes,
    /// Deletes others' votes.
    DeletesVotes = "deletes-votes" Changes,
    /// Changes entries of the list of blocks.
    EditsPlaces = "edits-places" Changes,
    /// Deletes entries of the list of blocks.
    DeletesPlaces = "deletes-places" Changes,
    /// Deletes waiting transactions, for good: what was acknowledged and is in no block yet is lost.
    DeletesBacklog = "deletes-backlog" Changes,
}

impl Act {
    /// The act of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.name() == name)
    }
}

/// Every Byzantine member of the plan, by number.
pub(super) fn choose(scenario: &Scenario, seed: u64) -> Result<Vec<Byzantine>, ScenarioError> {
    let loaded = scenario.loads.iter().map(|load| load.until_us).max();
    let mut chosen: Vec<Byzantine> = Vec::new();
    for (number, entry) in (0..).zip(&scenario.byzantine) {
        let until_us = match entry.lasts_us {
            Some(lasts_us) => entry.at_us + lasts_us,
            None => loaded.unwrap_or(0).max(entry.at_us),
        };
        for node in whom(scenario, seed, number, entry, &chosen) {
            let (acts, share) = (entry.acts.clone(), entry.share);
            let (number, at_us) = (u32::try_from(chosen.len()).expect("they are few"), entry.at_us);
            chosen.push(Byzantine { number, node, acts, at_us, until_us, share });
        }
        let members = nodes(&chosen).len();
        let budget = scenario.federation.budget() as usize;
        if members > budget && scenario.expect.violations.is_empty() {
            let count = scenario.federation.members();
            let message = format!("{members} of {count} nodes are Byzantine; {budget} may be");
            let hint =
                "more than half have to be honest; or say in `expect.violations` what breaks";
            return Err(scenario.error(entry.line, message, hint));
        }
    }
    Ok(chosen)
}

/// The nodes that are Byzantine at some time, ascending.
pub fn nodes(byzantine: &[Byzantine]) -> Vec<usize> {
    let mut nodes: Vec<_> = byzantine.iter().map(|one| one.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// The nodes that an entry means. One that is Byzantine already comes first: what is not named need not
/// take more of the federation than it has to.
fn whom(
    scenario: &Scenario,
    seed: u64,
    number: u64,
    entry: &ByzantineEntry,
    chosen: &[Byzantine],
) -> Vec<usize> {
    let count = match &entry.node {
        Target::Named(members) => return members.clone(),
        Target::One => 1,
        Target::Minority => minority(scenario.federation.members()) as usize,
        Target::All => scenario.federation.members() as usize,
    };
    let mut known = nodes(chosen);
    let mut left: Vec<usize> = (0..scenario.federation.members() as usize).collect();
    left.retain(|node| !known.contains(node));
    known.truncate(count);
    for n in known.len()..count {
        let drawn = draw(seed, Domain::ByzantineNode, number, n as u64);
        let index = drawn.below(left.len() as u64);
        known.push(left.remove(usize::try_from(index).expect("an index into the nodes")));
    }
    known.sort_unstable();
    known
}
