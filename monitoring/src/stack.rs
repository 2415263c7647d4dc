//! What starts Telegraf, InfluxDB and Grafana: `compose.yaml` and all files that it names, in the program itself.
//!
//! Here: the files, laid out in a folder with passwords ([`lay_out`]). Not here: who calls Compose (`testbed monitor`).

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Under this name Compose knows what it has started, unless it is given another.
pub const PROJECT: &str = "bigchaindb-monitoring";

/// The passwords that there are, by the names of their files in the folder `secrets`.
pub const PASSWORDS: [&str; 2] = ["influxdb_password", "grafana_password"];

macro_rules! files {
    ($($path:literal,)+) => {
        /// Every file that the containers get, and Compose's own.
        pub const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../", $path))),)+];
    };
}
files! {
    "compose.yaml",
    "telegraf.conf",
    "influxdb/telegraf.iql",
    "grafana/dashboards/bigchaindb-federation.json",
    "grafana/dashboards/bigchaindb-node.json",
    "grafana/dashboards/bigchaindb-run.json",
    "grafana/provisioning/alerting/rules.json",
    "grafana/provisioning/dashboards/bigchaindb.yaml",
    "grafana/provisioning/datasources/influxdb.yaml",
}

/// Puts all files into a folder, as this version has them. Passwords that are not there are made of `entropy`;
/// those that are there stay.
///
/// # Errors
/// If files cannot be written there.
pub fn lay_out(folder: &Path, entropy: impl Fn() -> [u8; 24]) -> io::Result<()> {
    for (path, text) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // What is there already may be in use: it is written only if it is another.
        if fs::read_to_string(&path).ok().as_deref() != Some(*text) {
            fs::write(path, text)?;
        }
    }
    let secrets = folder.join("secrets");
    DirBuilder::new().recursive(true).mode(0o700).create(&secrets)?;
    for name in PASSWORDS {
        let password: String = entropy().iter().map(|byte| format!("{byte:02x}")).collect();
        // Nobody else gets into the folder. In their containers Telegraf and Grafana are other users than the
        // one who starts them, and see the file itself.
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(secrets.join(name));
        match file {
            Ok(mut file) => file.write_all(password.as_bytes())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// All files under a path, by their names from the crate's folder on.
    fn under(path: &str) -> Vec<String> {
        let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if whole.is_file() {
            return vec![path.to_owned()];
        }
        let entries = fs::read_dir(whole).unwrap().map(|entry| entry.unwrap().file_name());
        entries.flat_map(|name| under(&format!("{path}/{}", name.to_str().unwrap()))).collect()
    }

    #[test]
    fn every_file_that_containers_get_is_in_the_program() {
        let folders = [
            "compose.yaml",
            "telegraf.conf",
            "influxdb",
            "grafana/dashboards",
            "grafana/provisioning",
        ];
        let mut there: Vec<_> = folders.into_iter().flat_map(under).collect();
        let mut held: Vec<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        there.sort();
        held.sort();
        assert_eq!(held, there);
    }

    #[test]
    fn passwords_are_made_once_and_nobody_else_gets_to_them() {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), || [7; 24]).unwrap();
        let secrets = folder.path().join("secrets");
        assert_eq!(fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(folder.path().join("telegraf.conf"), "of an older version").unwrap();
        lay_out(folder.path(), || [8; 24]).unwrap();
        for name in PASSWORDS {
            assert_eq!(fs::read_to_string(secrets.join(name)).unwrap(), "07".repeat(24));
        }
        let conf = fs::read_to_string(folder.path().join("telegraf.conf")).unwrap();
        assert!(conf.contains("[[inputs.statsd]]"));
    }
}
