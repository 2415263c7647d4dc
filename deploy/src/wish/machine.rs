//! The machines that a wish comes to.

use super::Wish;
use crate::inventory::Role;

/// One machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine<'a> {
    /// `node1` to `nodeN`, `monitor`, `load1` to `loadN`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its number among those of its role, from 1.
    pub number: u32,
    /// Where.
    pub region: &'a str,
    /// What it may be, the first choice first.
    pub instance_types: &'a [String],
}

/// The size of the system's volume of machines with clients, in GiB.
const CLIENT_ROOT_GIB: u32 = 16;

impl Wish {
    /// The size of the system's volume of machines with that role, in GiB.
    pub fn root_gib(&self, role: Role) -> u32 {
        match role {
            Role::Node => self.nodes.root_gib,
            Role::Monitor => {
                self.monitoring.as_ref().map_or(CLIENT_ROOT_GIB, |monitor| monitor.root_gib)
            }
            Role::Load => CLIENT_ROOT_GIB,
        }
    }

    /// All its machines: nodes, then the monitor, then load; each by number.
    ///
    /// Nodes are dealt out to the regions in turn, so that each region has as many as the others, or one more.
    pub fn machines(&self) -> Vec<Machine<'_>> {
        let mut machines = Vec::new();
        for number in 1..=self.nodes.count {
            let turn = (number as usize - 1) % self.nodes.regions.len();
            machines.push(Machine {
                name: format!("node{number}"),
                role: Role::Node,
                number,
                region: &self.nodes.regions[turn],
                instance_types: &self.nodes.instance_types,
            });
        }
        if let Some(monitoring) = &self.monitoring {
            machines.push(Machine {
                name: "monitor".to_owned(),
                role: Role::Monitor,
                number: 1,
                region: &monitoring.region,
                instance_types: &monitoring.instance_types,
            });
        }
        for number in 1..=self.load.as_ref().map_or(0, |load| load.count) {
            let load = self.load.as_ref().expect("only then is there a number");
            machines.push(Machine {
                name: format!("load{number}"),
                role: Role::Load,
                number,
                region: &load.region,
                instance_types: &load.instance_types,
            });
        }
        machines
    }
}
