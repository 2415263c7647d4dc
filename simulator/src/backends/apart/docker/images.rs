//! The images that a run needs.

use std::fs::File;
use std::path::Path;
use std::{env, io};

use sha2::{Digest as _, Sha256};

use super::super::ApartError;
use super::super::ground::Binary;
use super::super::means::beside;
use super::Engine;
use crate::plan;

/// The variables that name images.
const NODE_IMAGE: &str = "TESTBED_NODE_IMAGE";
const RETHINKDB_IMAGE: &str = "TESTBED_RETHINKDB_IMAGE";

/// The images where nothing is said.
const NODE: &str = "bigchaindb-testbed/node:latest";
const RETHINKDB: &str = "rethinkdb:2.4.4-bookworm-slim";

/// The label by which an image of a node tells which build is in it.
const BUILD: &str = "testbed.build";

/// Which images containers are made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Images {
    /// Of a node, of the embedded store, and of machines.
    pub node: String,
    /// Of RethinkDB.
    pub rethinkdb: String,
}

impl Default for Images {
    /// What the environment names, or else the usual ones.
    fn default() -> Self {
        let named = |variable, usual: &str| env::var(variable).unwrap_or_else(|_| usual.to_owned());
        Self { node: named(NODE_IMAGE, NODE), rethinkdb: named(RETHINKDB_IMAGE, RETHINKDB) }
    }
}

impl Images {
    /// The image in which a program is.
    pub(in super::super) fn of(&self, binary: Binary) -> &str {
        match binary {
            Binary::Node => &self.node,
            Binary::Rethinkdb => &self.rethinkdb,
        }
    }

    /// Whether there are all that a run with such a store needs, and the usual image of a node holds the
    /// program that was built last: the one beside this.
    ///
    /// # Errors
    /// If one is missing, or old; nothing is fetched unasked.
    pub(in super::super) async fn check(
        &self,
        engine: &Engine,
        store: plan::Engine,
    ) -> Result<(), ApartError> {
        let mut wanted = vec![(&self.node, "make it with `deploy/images/build`")];
        if store == plan::Engine::Rethinkdb {
            let hint = "get it with `docker pull`, or leave `store` out of the scenario";
            wanted.push((&self.rethinkdb, hint));
        }
        for (image, hint) in wanted {
            let found = engine.label_of_image(image, BUILD).await.map_err(ApartError::NoEngine)?;
            let Some(build) = found else {
                return Err(ApartError::NoImage { image: image.clone(), hint });
            };
            if image == NODE
                && let Ok(program) = beside(Binary::Node.executable())
                && build != hash(&program)?
            {
                return Err(ApartError::OldImage { image: image.clone(), program });
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a file, in hexadecimal.
fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Hash(Sha256::new()));
    io::copy(&mut file, &mut hash)?;
    Ok(hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A hash to write to.
struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_known_by_its_hash() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(file.path()).unwrap(), abc);
    }
}
