//! A run whose machines end with the test.

use bigchaindb_deploy::docker::Docker;
use bigchaindb_deploy::lifecycle;
use bigchaindb_deploy::run::Run;

/// A run that ends with the test, however that ends.
pub(crate) struct Ends<'a> {
    pub(crate) docker: &'a Docker,
    pub(crate) run: Run,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let down = lifecycle::down(self.docker, &mut self.run, |_| ());
        assert!(std::thread::panicking() || down.unwrap().is_empty());
    }
}
