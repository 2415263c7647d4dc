//! `--quirk` and `--rules`: a federation other than the scenario's own.

use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;

use crate::failure::{Failure, Result};
use crate::matrix;

/// What of the federation is to be otherwise than the scenario says.
#[derive(Args, Debug)]
pub(crate) struct WithQuirks {
    /// Take a safeguard of the rules away, to see a checker notice; may be given several times.
    #[arg(long = "quirk", value_name = "QUIRK", value_parser = quirk)]
    quirks: Vec<Quirk>,
    /// The rules' profile, instead of the scenario's own.
    #[arg(long, value_parser = ["default", "mixed", "v0.6.0"])]
    rules: Option<String>,
}

impl WithQuirks {
    /// Whether anything is to be otherwise.
    pub(crate) fn are_any(&self) -> bool {
        self.rules.is_some() || !self.quirks.is_empty()
    }

    /// Changes a scenario, which has to be a single one.
    pub(crate) fn apply(&self, scenario: &mut Scenario) -> Result<()> {
        matrix::refuse(scenario)?;
        let federation = &mut scenario.federation;
        federation.quirks.extend(&self.quirks);
        if let Some(rules) = &self.rules {
            federation.take_rules(rules);
        }
        if federation.rules != "default" && !federation.quirks.is_empty() {
            let message =
                format!("the rules `{}` have no safeguards to take away", federation.rules);
            return Err(Failure::wrong(message, "leave `--quirk` out, or use the rules `default`"));
        }
        Ok(())
    }
}

/// The quirk of this name, for the command line.
pub(crate) fn quirk(name: &str) -> std::result::Result<Quirk, String> {
    let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    Quirk::by_name(name).ok_or_else(|| format!("there are: {}", names.join(", ")))
}
