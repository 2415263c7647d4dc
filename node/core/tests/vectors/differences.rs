//! The list of the cases whose outcome is another under `default`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bigchaindb_core::model::{Json, Object};

use crate::outcome;

/// Where the vectors are: `VECTORS_DIR`, or the directory that comes with the core.
pub(crate) fn vectors(own: &str) -> PathBuf {
    std::env::var_os("VECTORS_DIR").map_or_else(|| own.into(), PathBuf::from)
}

/// What `default.json` lists, and what was met of it.
pub(crate) struct Differences {
    /// By file and case. `None` if there is no list to be held to.
    listed: Option<BTreeMap<(String, String), Listed>>,
}

struct Listed {
    outcome: Json,
    met: bool,
}

impl Differences {
    /// The list's name, beside the vectors.
    pub(crate) const FILE: &str = "default.json";

    /// Reads the list, if there is one. Its rulings have to be explained at its head.
    pub(crate) fn read(path: &Path) -> Self {
        let Ok(text) = std::fs::read(path) else { return Self { listed: None } };
        let list = Json::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let rulings = list.get("rulings").and_then(Json::as_object).expect("a list has rulings");
        let entries = list.get("differences").and_then(Json::as_array).expect("and differences");
        let mut listed = BTreeMap::new();
        for entry in entries {
            let text = |field| entry.get(field).and_then(Json::as_str).unwrap_or_default();
            let ruling = text("ruling");
            assert!(rulings.get(ruling).is_some(), "ruling `{ruling}` is not explained");
            let outcome = entry.get("outcome").expect("an entry has an outcome").clone();
            let key = (text("file").to_owned(), text("case").to_owned());
            let twice = listed.insert(key, Listed { outcome, met: false });
            assert!(twice.is_none(), "{entry} is listed twice");
        }
        Self { listed: Some(listed) }
    }

    /// Holds a case to the list.
    ///
    /// # Errors
    /// The line that is missing from the list, or wrong in it.
    pub(crate) fn check(
        &mut self,
        file: &str,
        case: &str,
        difference: Object,
    ) -> Result<(), String> {
        let Some(listed) = &mut self.listed else { return Ok(()) };
        if difference.is_empty() {
            // If it is listed all the same, `unneeded` tells.
            return Ok(());
        }
        let difference = Json::from(difference);
        let entry = listed.get_mut(&(file.to_owned(), case.to_owned()));
        let is_right = entry.is_some_and(|entry| {
            entry.met = true;
            outcome::like(&difference, &entry.outcome)
        });
        if is_right {
            return Ok(());
        }
        let (list, file, case) = (Self::FILE, Json::from(file), Json::from(case));
        Err(format!(
            "under `default` the outcome is another one; {list} should list\n  \
             {{\"file\": {file}, \"case\": {case}, \"ruling\": \"…\", \"outcome\": {difference}}}"
        ))
    }

    /// What is listed, though the case has no other outcome, or does not exist. `ran` says which
    /// files were run.
    pub(crate) fn unneeded(&self, ran: impl Fn(&str) -> bool) -> Vec<String> {
        let listed = self.listed.iter().flatten();
        listed
            .filter(|((file, _), entry)| ran(file) && !entry.met)
            .map(|((file, case), _)| format!("{file} {case}: listed in {} for nothing", Self::FILE))
            .collect()
    }
}
