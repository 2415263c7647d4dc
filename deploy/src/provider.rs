//! What makes machines and takes them away: a cloud, or containers on this one.
//!
//! A provider gets a [`Run`], which holds the wish and a folder. It keeps there whatever it needs to find again
//! what it has made, written *before* it makes it. Whatever it makes also bears the run's id where it stands
//! (tags, labels), so that [`leaks`](Provider::leaks) can look for it without believing the folder. Every
//! method may be called again after a crash anywhere in it, and goes on from there.
//!
//! Not here: what goes onto the machines (`playbook`); that is the same for all of them.

use std::collections::BTreeMap;
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
    /// What an earlier try has left half made is found, and made whole or made again; `tell` hears of it.
    ///
    /// # Errors
    /// Something cannot be made. What is made is kept; [`down`](Self::down) takes it away.
    fn up(&self, run: &mut Run, tell: &mut dyn FnMut(&str)) -> Result<Inventory>;

    /// How every machine of the run is now, as the provider says.
    ///
    /// # Errors
    /// The provider cannot be asked.
    fn status(&self, run: &Run) -> Result<Vec<Standing>>;

    /// Takes away everything that bears the run's id, in an order in which that is possible, trying again
    /// what is refused for now. `tell` hears what goes.
    ///
    /// # Errors
    /// Something cannot be taken away. Calling it again goes on.
    fn down(&self, run: &mut Run, tell: &mut dyn FnMut(&str)) -> Result<()>;

    /// What bears the run's id and is still there, everywhere it could be. Looks, and takes nobody's word.
    ///
    /// # Errors
    /// The provider cannot be asked: then nobody knows.
    fn leaks(&self, run: &Run) -> Result<Vec<Resource>>;

    /// Every run of whoever's whose time was over at this second since 1970, in these regions, or wherever there are
    /// any.
    ///
    /// A run is known by what it bears where it stands: its id, and when it ends. What bears neither is a stranger's.
    ///
    /// # Errors
    /// The provider cannot be asked.
    fn expired(&self, regions: &[String], now_s: u64) -> Result<Vec<Expired>>;

    /// Takes away all that is left of a run whose time is over.
    ///
    /// # Errors
    /// Something cannot be taken away. Calling it again goes on.
    fn reap(&self, expired: &Expired) -> Result<()>;
}

/// A run as what it bears tells of it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Expired {
    /// Its id.
    pub run: String,
    /// When it should have ended, in seconds since 1970.
    pub expires_s: u64,
    /// What is still there.
    pub left: Vec<Resource>,
}

impl Expired {
    /// The runs whose time is over, of things that bear a run's id and when it ends. As long as anything of a run says
    /// that its time is not over, nothing of it is.
    pub(crate) fn of(
        found: impl IntoIterator<Item = (Resource, String, u64)>,
        now_s: u64,
    ) -> Vec<Self> {
        let mut runs: BTreeMap<String, Self> = BTreeMap::new();
        for (resource, run, expires_s) in found {
            let known = runs.entry(run.clone());
            let known = known.or_insert(Self { run, expires_s, left: Vec::new() });
            known.expires_s = known.expires_s.max(expires_s);
            known.left.push(resource);
        }
        runs.retain(|_, run| run.expires_s < now_s);
        runs.into_values().collect()
    }
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
