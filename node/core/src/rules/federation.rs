//! Who votes together.

use std::collections::BTreeSet;

use crate::model::NodeKey;

/// The members of an epoch, as one of them sees them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Federation {
    me: NodeKey,
    voters: Vec<NodeKey>,
    members: BTreeSet<NodeKey>,
}

impl Federation {
    /// This node and its keyring, the other members. Whoever is named twice is one member, and a
    /// keyring that names this node itself says nothing new.
    pub fn new(me: NodeKey, keyring: Vec<NodeKey>) -> Self {
        let mut members = BTreeSet::from([me.clone()]);
        let others = keyring.into_iter().filter(|key| members.insert(key.clone()));
        let mut voters: Vec<_> = others.collect();
        voters.push(me.clone());
        Self { me, voters, members }
    }

    /// The voters of a block, as it lists them: whoever it lists twice counts twice. Profile
    /// `v0.6.0`.
    pub fn of_block(voters: &[NodeKey]) -> Self {
        let me = voters.last().cloned().unwrap_or_else(|| "".into());
        Self { me, voters: voters.to_vec(), members: voters.iter().cloned().collect() }
    }

    /// This node.
    pub fn me(&self) -> &NodeKey {
        &self.me
    }

    /// Everybody: the keyring in its order, then this node; as a block of this node lists them.
    pub fn voters(&self) -> &[NodeKey] {
        &self.voters
    }

    /// Everybody but this node.
    pub fn others(&self) -> &[NodeKey] {
        let (_me, others) = self.voters.split_last().expect("this node is a member");
        others
    }

    /// Whether this is a member.
    pub fn contains(&self, key: &NodeKey) -> bool {
        self.members.contains(key)
    }

    /// How many voters there are.
    pub fn len(&self) -> usize {
        self.voters.len()
    }

    /// Whether there is nobody: only a block can say that.
    pub fn is_empty(&self) -> bool {
        self.voters.is_empty()
    }

    /// Whether these are exactly the members, each once, in whatever order.
    pub fn is_exactly(&self, voters: &[NodeKey]) -> bool {
        voters.len() == self.voters.len()
            && voters.iter().collect::<BTreeSet<_>>().len() == voters.len()
            && voters.iter().all(|key| self.contains(key))
    }
}
