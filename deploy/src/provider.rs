//! What makes machines and takes them away: a cloud, or containers on this one.
//!
//! A provider gets a [`Run`], which holds the wish and a folder. It keeps there whatever it needs to find again
//! what it has made, written *before* it makes it. Whatever it makes also bears the run's id where it stands
//! (tags, labels), so that [`leaks`](Provider::leaks) can look for it without believing the folder. Every
//! method may be called again after a crash anywhere in it, and goes on from there.
//!
//! Not here: what goes onto the machines (`playbook`); that is the same for all of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::inventory::Inventory;
use crate::run::Run;

/// Makes a run's machines, and takes them away.
pub trait Provider {
    /// Its name, as `--provider` has it.
    fn name(&self) -> &'static str;

    /// What [`up`](Self::up) would make or change now. Makes nothing but files in the run's folder.
    ///
    /// The run's keys are there already, as for [`up`](Self::up).
    ///
    /// # Errors
    /// The wish is nothing for this provider, or the provider cannot be asked.
    fn plan(&self, run: &mut Run) -> Result<Plan>;

    /// Makes what is missing. Once this returns, every machine of the wish stands and has its addresses;
    /// nobody has tried yet to reach them.
    ///
    /// The keys in the run's folder are there already (`keys/ssh` for whoever logs in, a host key for every
    /// machine); the provider gives each machine its own host key, and none of the others.
    ///
    /// # Errors
    /// Something cannot be made. What is made is kept; [`down`](Self::down) takes it away.
    fn up(&self, run: &mut Run) -> Result<Inventory>;

    /// How every machine of the run is now, as the provider says.
    ///
    /// # Errors
    /// The provider cannot be asked.
    fn status(&self, run: &Run) -> Result<Vec<Standing>>;

    /// Takes away everything that bears the run's id, in an order in which that is possible, trying again
    /// what is refused for now.
    ///
    /// # Errors
    /// Something cannot be taken away. Calling it again goes on.
    fn down(&self, run: &mut Run) -> Result<()>;

    /// What bears the run's id and is still there, everywhere it could be. Looks, and takes nobody's word.
    ///
    /// # Errors
    /// The provider cannot be asked: then nobody knows.
    fn leaks(&self, run: &Run) -> Result<Vec<Resource>>;
}

/// Something that costs, or is in the way, until it is taken away.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Debug)]
pub struct Resource {
    /// Where: a region; `local` for what is on this machine.
    pub region: String,
    /// What, as the provider calls it: `instance`, `volume`, `container`…
    pub kind: String,
    /// Its id there.
    pub id: String,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} in {}", self.kind, self.id, self.region)
    }
}

/// What would be made.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct Plan {
    /// What, in the order of the wish.
    pub lines: Vec<PlanLine>,
    /// What to know besides: a price nobody knows, a limit that is near.
    pub notes: Vec<String>,
    /// What is there and would be changed or taken away, as the provider's own tools say it.
    pub changes: Vec<String>,
    /// Whether anything would be made, changed or taken away.
    pub differs: bool,
}

/// Things of one kind.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct PlanLine {
    /// How many.
    pub count: u32,
    /// What.
    pub what: String,
    /// Where.
    pub region: String,
    /// What all of them cost an hour, in millionths of a US dollar: at least, and at most. None if nobody knows.
    pub hourly: Option<(u64, u64)>,
}

/// How a machine is, as the provider says.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Standing {
    /// The machine's name in the wish.
    pub name: String,
    /// Its id with the provider, if it has one by now.
    pub id: Option<String>,
    /// `running`, or how the provider calls it otherwise; `missing` if it is not there.
    pub state: String,
    /// The address at which the operator reaches it.
    pub public: Option<String>,
}
