//! `--quirk`: the federation without one of its safeguards, to see that a checker notices.

use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;

/// Safeguards taken away on purpose.
#[derive(Args, Debug)]
pub(crate) struct WithQuirks {
    /// Take a safeguard of the rules away, to see a checker notice; may be given several times.
    #[arg(long = "quirk", value_name = "QUIRK", value_parser = quirk)]
    quirks: Vec<Quirk>,
}

impl WithQuirks {
    /// Adds them to a scenario's own.
    pub(crate) fn apply(&self, scenario: &mut Scenario) {
        scenario.federation.quirks.extend(&self.quirks);
    }
}

fn quirk(name: &str) -> Result<Quirk, String> {
    let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    Quirk::by_name(name).ok_or_else(|| format!("there are: {}", names.join(", ")))
}
