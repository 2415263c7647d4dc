//! Whose account: the environment, a profile's file, or the process that the profile names.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Environment variables", "Shared config and credentials files",
//! "Process credential provider".

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use aws_credential_types::Credentials;
use serde::Deserialize;

use crate::error::{DeployError, Result};

/// A profile's settings.
type Profile = BTreeMap<String, String>;

/// The credentials of whoever calls.
///
/// # Errors
/// There are none, or a profile's process gives none.
pub(super) fn find() -> Result<Credentials> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(key), Some(secret)) = (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")) {
        return Ok(Credentials::from_keys(key, secret, set("AWS_SESSION_TOKEN")));
    }
    let name = set("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let home = PathBuf::from(set("HOME").unwrap_or_default());
    for (variable, usual) in
        [("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), ("AWS_CONFIG_FILE", ".aws/config")]
    {
        let path = set(variable).map_or_else(|| home.join(usual), PathBuf::from);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if let Some(credentials) = of_profile(&profile(&text, &name))? {
            return Ok(credentials);
        }
    }
    let message =
        format!("no credentials for AWS: neither the environment nor profile `{name}` has any");
    Err(DeployError::wrong(
        message,
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ))
}

/// The settings of a profile in a file's text; none if it is not there.
fn profile(text: &str, name: &str) -> Profile {
    let mut inside = false;
    let mut settings = Profile::new();
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let title = title.trim();
            inside = title.strip_prefix("profile ").unwrap_or(title).trim() == name;
        } else if inside && !line.starts_with(['#', ';']) {
            let Some((key, value)) = line.split_once('=') else { continue };
            settings.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    settings
}

fn of_profile(profile: &Profile) -> Result<Option<Credentials>> {
    let set = |name: &str| profile.get(name).cloned();
    if let (Some(key), Some(secret)) = (set("aws_access_key_id"), set("aws_secret_access_key")) {
        return Ok(Some(Credentials::from_keys(key, secret, set("aws_session_token"))));
    }
    profile.get("credential_process").map(|command| of_process(command)).transpose()
}

/// What a profile's process says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

fn of_process(command: &str) -> Result<Credentials> {
    let hint = "call it by hand: does it print credentials?";
    let output = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| DeployError::Program {
        program: command.to_owned(),
        hint: hint.to_owned(),
        error,
    })?;
    // What it printed may hold half of a secret: it is not shown.
    let said: Option<Said> = serde_json::from_slice(&output.stdout).ok();
    let said = said.filter(|_| output.status.success()).ok_or_else(|| {
        let message = format!("the profile's process gives no credentials ({})", output.status);
        DeployError::surroundings(message, hint)
    })?;
    Ok(Credentials::from_keys(said.access_key_id, said.secret_access_key, said.session_token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
        # keys
        [default]
        aws_access_key_id = A
        aws_secret_access_key = B

        [profile process]
        credential_process = printf '{\"AccessKeyId\": \"C\", \"SecretAccessKey\": \"D\", \"SessionToken\": \"E\"}'

        [profile broken]
        credential_process = printf '{\"AccessKeyId\": \"half'
    ";

    #[test]
    fn profiles_give_keys_or_name_a_process_that_does() {
        let check = |name: &str| of_profile(&profile(FILE, name));
        let keys = |credentials: Credentials| {
            let token = credentials.session_token().map(str::to_owned);
            (
                credentials.access_key_id().to_owned(),
                credentials.secret_access_key().to_owned(),
                token,
            )
        };
        let found = check("default").unwrap().map(keys);
        assert_eq!(found, Some(("A".to_owned(), "B".to_owned(), None)));
        let found = check("process").unwrap().map(keys);
        assert_eq!(found, Some(("C".to_owned(), "D".to_owned(), Some("E".to_owned()))));
        assert!(check("nobody").unwrap().is_none());
        let told = check("broken").unwrap_err().to_string();
        assert!(told.contains("gives no credentials") && !told.contains("half"), "{told}");
    }
}
