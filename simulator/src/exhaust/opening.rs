//! Where an exploration begins: all nodes run, and there is something to spend.
//!
//! The way there is one of many and no part of what is explored: of all that could happen next, the
//! first of the list happens.

use std::sync::Arc;

use bigchaindb_core::model::{Draft, Keypair, Output, Profile, Transaction};

use super::story::Story;
use super::world::{Next, State, Step, World};
use super::{Kind, Scope};
use crate::plan::EPOCH_UNIX_MS;

/// Seeds of the owners' keys, apart from those of nodes.
const OWNERS: u8 = 100;

/// The world of a scope, and its first state.
pub(super) fn open(scope: &Scope) -> (World, State) {
    let (mut world, mut state) = World::new(scope);
    if !scope.from_start {
        for node in 0..scope.nodes {
            state = go_on(&mut world, state, Step::Start(node));
        }
        state = settle(&mut world, state);
        if scope.kind != Kind::Creates {
            state = world.begin(state, vec![create(0)], 0);
            state = settle(&mut world, state);
        }
    }
    let posts = match scope.kind {
        Kind::Creates => (1..=scope.transactions).map(create).collect(),
        Kind::Conflict => {
            let spent = to_spend(&world, &state);
            (1..=scope.transactions).map(|number| transfer(&spent, number)).collect()
        }
        Kind::Same => vec![transfer(&to_spend(&world, &state), 1); scope.transactions],
    };
    let state = world.begin(state, posts, scope.crashes);
    world.reduced = scope.reduced;
    (world, state)
}

/// What the ids of the first state are called.
pub(super) fn name(world: &World, state: &State, story: &mut Story) {
    for block in world.tables.get(state.tables).bigchain.values() {
        story.name(block.id(), if block.is_genesis() { "genesis" } else { "b0" });
        block.transactions().iter().for_each(|one| story.name(one.id(), "T0"));
    }
    for (number, transaction) in world.posts.iter().enumerate() {
        story.name(transaction.id(), format!("T{}", number + 1));
    }
}

/// Until nothing is left to do.
fn settle(world: &mut World, mut state: State) -> State {
    loop {
        match world.steps(&state).expect("an undisturbed start comes to its end") {
            Next::End => return state,
            Next::Steps(steps) => state = go_on(world, state, steps[0]),
        }
    }
}

fn go_on(world: &mut World, state: State, step: Step) -> State {
    world.take(state, step).expect("an undisturbed start breaks no law")
}

fn owner(number: usize) -> Keypair {
    let number = u8::try_from(number).expect("there are a few transactions");
    Keypair::from_seed([OWNERS + number; 32])
}

/// A client's CREATE, of and for its owner; the node that receives it makes its own of it.
fn create(number: usize) -> Arc<Transaction> {
    let owner = owner(number);
    let owners_after = vec![owner.public().to_string()];
    let draft = Draft::create(owner.public(), owners_after, format!("create {number}"), now());
    let unsigned = draft.transaction().expect("a CREATE without payload can be made");
    Arc::new(unsigned.sign(&[&owner], Profile::Default, &|_| None).expect("it signs for itself"))
}

fn transfer(spent: &Arc<Transaction>, number: usize) -> Arc<Transaction> {
    let (before, after) = (owner(0), owner(number));
    let inputs = vec![Output { txid: spent.id().clone(), cid: 0, oddity: None }];
    let owners = |owner: &Keypair| vec![owner.public().to_string()];
    let uuid = format!("transfer {number}");
    let draft = Draft::transfer(owners(&before), owners(&after), inputs, uuid, now());
    let unsigned = draft.transaction().expect("a TRANSFER without payload can be made");
    let signed = unsigned.sign(&[&before], Profile::Default, &|_| Some(spent.clone()));
    Arc::new(signed.expect("its owner can spend it"))
}

fn now() -> u64 {
    EPOCH_UNIX_MS / 1000
}

/// The CREATE that the opening brought into the chain.
fn to_spend(world: &World, state: &State) -> Arc<Transaction> {
    let blocks = world.tables.get(state.tables).bigchain.values();
    let mut created = blocks.filter(|block| !block.is_genesis());
    created.next().expect("the opening ends once its CREATE is decided").transactions()[0].clone()
}
