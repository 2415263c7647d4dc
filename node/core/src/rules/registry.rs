//! Rules by name: those that come with this crate, and those a program adds.
//!
//! Source: BigchainDB 0.6 docs, "The Consensus Plugin Interface" (entry points by name).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{ConsensusRules, DefaultRules, MixedRules, OriginalRules};
use crate::model::{Direct, SignatureCheck};

/// Makes rules that verify signatures by what it is given.
type MakeRules = Arc<dyn Fn(Arc<dyn SignatureCheck>) -> Arc<dyn ConsensusRules> + Send + Sync>;

/// The rules that a configuration can name. Of two with one name, the one added last counts.
///
/// ```
/// use bigchaindb_core::rules::Registry;
///
/// let registry = Registry::default();
/// assert_eq!(registry.get("default").unwrap().name(), "default");
/// assert!(registry.get("silly").unwrap_err().to_string().contains("`default`, `mixed`, `v0.6.0`"));
/// ```
#[derive(Clone)]
pub struct Registry(BTreeMap<String, MakeRules>);

/// No rules have this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no consensus rules are called `{name}`; there are {}", listed(known))]
pub struct UnknownRules {
    /// The name.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

impl Default for Registry {
    /// `default`, `mixed` and `v0.6.0`.
    fn default() -> Self {
        Self(BTreeMap::new())
            .with("default", |signatures| Arc::new(DefaultRules::new(signatures)))
            .with("mixed", |signatures| Arc::new(MixedRules::new(signatures)))
            .with("v0.6.0", |signatures| Arc::new(OriginalRules::new(signatures)))
    }
}

impl Registry {
    /// The same, and one more: `make` is told by what signatures are verified.
    #[must_use]
    pub fn with<F>(mut self, name: &str, make: F) -> Self
    where
        F: Fn(Arc<dyn SignatureCheck>) -> Arc<dyn ConsensusRules> + Send + Sync + 'static,
    {
        self.0.insert(name.to_owned(), Arc::new(make));
        self
    }

    /// The rules of this name.
    ///
    /// # Errors
    /// If there are none.
    pub fn get(&self, name: &str) -> Result<Arc<dyn ConsensusRules>, UnknownRules> {
        self.get_with(name, Arc::new(Direct))
    }

    /// The rules of this name, with signatures verified by `signatures`.
    ///
    /// # Errors
    /// If there are none.
    pub fn get_with(
        &self,
        name: &str,
        signatures: Arc<dyn SignatureCheck>,
    ) -> Result<Arc<dyn ConsensusRules>, UnknownRules> {
        match self.0.get(name) {
            Some(make) => Ok(make(signatures)),
            None => {
                let known = self.0.keys().cloned().collect();
                Err(UnknownRules { name: name.to_owned(), known })
            }
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
