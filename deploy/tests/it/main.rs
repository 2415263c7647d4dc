//! Deployments, without a cloud.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cloud;
mod configs;
mod containers;
mod crash;
mod ending;
mod ends;
mod fake;
mod inventory;
mod moto;
mod playbooks;
mod single;
mod terraform;
mod wish;

use std::path::Path;

use bigchaindb_deploy::inventory::{Host, Inventory, Role};
use bigchaindb_deploy::run::{Asked, Run};
use bigchaindb_deploy::wish::Wish;

/// The second in which tests begin their runs.
const NOW_S: u64 = 1_800_000_000;

fn wish(text: &str) -> Wish {
    Wish::parse("wish.toml", text).unwrap()
}

fn asked(provider: &str) -> Asked {
    Asked {
        provider: provider.to_owned(),
        id: None,
        owner: "ops@example.org".to_owned(),
        operator: vec!["203.0.113.7/32".to_owned()],
        now_s: NOW_S,
    }
}

/// A run of a wish in a folder, and an inventory as if its machines stood.
fn stands(root: &Path, text: &str) -> (Run, Inventory) {
    let run = Run::create(root, wish(text), asked("aws")).unwrap();
    let hosts = run.wish.machines().into_iter().enumerate().map(|(index, machine)| Host {
        public: format!("198.51.100.{}", index + 1),
        private: format!("172.31.0.{}", index + 1),
        roles: vec![machine.role],
        number: machine.number,
        region: machine.region.to_owned(),
        zone: format!("{}a", machine.region),
        id: format!("i-{:017x}", index + 1),
        user: "ubuntu".to_owned(),
        port: 22,
        volume: (machine.role == Role::Node).then(|| format!("vol-{:017x}", index + 1)),
        name: machine.name,
    });
    let hosts = hosts.collect();
    let inventory = Inventory::of_run(&run, hosts);
    (run, inventory)
}
