//! Where the configuration comes from: environment variables, a file, the defaults.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bigchaindb_core::model::Json;

use super::schema::{self, Kind};
use super::{ConfigError, Settings};

/// Environment variables, by name.
pub type Environment = BTreeMap<String, String>;

/// A configuration, and what its reader should hear of.
#[derive(Debug)]
pub struct Loaded {
    /// The effective configuration.
    pub settings: Settings,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// What is odd, but no error: a file that is not there, an unknown setting, a misspelt variable.
    pub warnings: Vec<String>,
}

/// The variable that names the config file.
const CONFIG_PATH: &str = "BIGCHAINDB_CONFIG_PATH";

/// What the documentation calls two variables in places, and what it means.
const MISSPELT: [(&str, &str); 2] = [
    ("BIGCHAIN_CONSENSUS_PLUGIN", "BIGCHAINDB_CONSENSUS_PLUGIN"),
    ("BIGHAINDB_CONFIG_PATH", CONFIG_PATH),
];

/// Where the file is unless somebody says: `BIGCHAINDB_CONFIG_PATH`, else `.bigchaindb` at home.
pub fn default_path(environment: &Environment) -> PathBuf {
    let environment = spelt(environment, &mut vec![]);
    match environment.get(CONFIG_PATH) {
        Some(path) => path.into(),
        None => {
            let home = environment.get("HOME").map_or(".", |home| home);
            Path::new(home).join(".bigchaindb")
        }
    }
}

/// Reads the configuration: environment over file over defaults. A file that is not there is a
/// warning.
///
/// # Errors
/// [`ConfigError`], with its place.
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut warnings = Vec::new();
    let environment = spelt(environment, &mut warnings);
    let path = path.map_or_else(|| default_path(&environment), Path::to_owned);
    let mut settings = schema::defaults();
    let file = match std::fs::read(&path) {
        Ok(text) => {
            let syntax = |reason: String| ConfigError::Syntax { path: path.clone(), reason };
            let document = Json::parse(&text).map_err(|error| syntax(error.to_string()))?;
            if document.as_object().is_none() {
                return Err(syntax("it is no JSON object".to_owned()));
            }
            merge(&mut settings, &document, &mut vec![], &path, &mut warnings)?;
            Some(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            warnings.push(format!("Cannot find config file `{}`.", path.display()));
            None
        }
        Err(error) => return Err(ConfigError::Unreadable { path, error }),
    };
    override_from(&mut settings, &environment)?;
    Ok(Loaded { settings: Settings(settings), file, warnings })
}

/// The defaults with the environment over them, without any file: what `configure` starts from.
///
/// # Errors
/// [`ConfigError::Value`], with the variable's name.
pub fn from_environment(environment: &Environment) -> Result<Settings, ConfigError> {
    let mut settings = schema::defaults();
    override_from(&mut settings, &spelt(environment, &mut vec![]))?;
    Ok(Settings(settings))
}

/// The environment with the documentation's misspelt names put right.
fn spelt(environment: &Environment, warnings: &mut Vec<String>) -> Environment {
    let mut environment = environment.clone();
    for (wrong, right) in MISSPELT {
        if let Some(value) = environment.remove(wrong) {
            warnings.push(format!("`{wrong}` is read as `{right}`"));
            environment.entry(right.to_owned()).or_insert(value);
        }
    }
    environment
}

/// Lays a file's settings over what is there.
fn merge<'a>(
    settings: &mut Json,
    document: &'a Json,
    at: &mut Vec<&'a str>,
    file: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let section = schema::paths().any(|path| path.len() > at.len() && path.starts_with(at));
    if let (true, Some(fields)) = (section, document.as_object()) {
        for (name, value) in fields.iter() {
            at.push(name);
            merge(settings, value, at, file, warnings)?;
            at.pop();
        }
        return Ok(());
    }
    let kind = schema::kind(at);
    if section || kind == Kind::Unknown {
        // The section `server` was handed to Gunicorn as it was, so anything may stand there.
        let what = match at.first() {
            Some(&"server") => "means nothing to this server, and is kept",
            _ => "is no known setting",
        };
        warnings.push(format!("{}: `{}` {what}", file.display(), at.join(".")));
    }
    let value = schema::coerce(kind, document.clone()).map_err(|expected| ConfigError::Value {
        place: format!("{}: {}", file.display(), at.join(".")),
        found: document.as_str().map_or_else(|| document.to_string(), str::to_owned),
        expected,
    })?;
    schema::set(settings, at, value);
    Ok(())
}

/// Lays environment variables over what is there: for every known setting, and every one that the
/// file brought.
fn override_from(settings: &mut Json, environment: &Environment) -> Result<(), ConfigError> {
    let mut paths: Vec<Vec<String>> = Vec::new();
    leaves(settings, &mut vec![], &mut paths);
    paths.extend(schema::paths().map(|path| path.iter().map(ToString::to_string).collect()));
    for path in paths {
        let variable = format!("BIGCHAINDB_{}", path.join("_").to_uppercase());
        let Some(text) = environment.get(&variable) else { continue };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let value = schema::coerce(schema::kind(&path), Json::from(text.as_str()));
        let value = value.map_err(|expected| ConfigError::Value {
            place: variable,
            found: text.clone(),
            expected,
        })?;
        schema::set(settings, &path, value);
    }
    Ok(())
}

fn leaves(value: &Json, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let Some(fields) = value.as_object() else { return found.push(at.clone()) };
    for (name, value) in fields.iter() {
        at.push(name.to_owned());
        leaves(value, at, found);
        at.pop();
    }
}
