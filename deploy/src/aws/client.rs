//! Talks to EC2 by its Query API: signed POSTs with a form, answers in XML.
//!
//! A dozen reads and deletes are all this takes; whatever is made is made by Terraform. Here: one call, and
//! trying again what fails for now (throttling, a broken line). Not here: which calls there are (`ec2`).
//!
//! Source: Amazon EC2 API Reference, "Making API requests", "Request throttling".

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use ureq::Agent;

use crate::error::DeployError;

/// The version of the API whose names are spoken.
const VERSION: &str = "2016-11-15";

/// How often a call is tried that fails for now.
const TRIES: u32 = 10;

/// An answer takes at most so long.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The longest wait between two tries, in units of the client's pause.
const PAUSES_MAX: u32 = 8;

/// What EC2 says instead of an answer.
#[derive(Clone, PartialEq, Eq, thiserror::Error, Debug)]
#[error("{action} in {region}: {code}: {message}")]
pub struct ApiError {
    /// What was asked.
    pub action: String,
    /// Where.
    pub region: String,
    /// EC2's own word for it; `Unreachable` if there was no answer.
    pub code: String,
    /// What it says.
    pub message: String,
}

/// No answer at all.
const UNREACHABLE: &str = "Unreachable";

impl ApiError {
    /// Whether the same call can do better a little later.
    pub fn is_passing(&self) -> bool {
        const PASSING: [&str; 9] = [
            UNREACHABLE,
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "ServiceUnavailable",
            "Unavailable",
            "InternalError",
            "InternalFailure",
            "RequestTimeout",
        ];
        PASSING.contains(&self.code.as_str())
    }

    /// Whether what was named is not there (any more).
    pub fn is_not_found(&self) -> bool {
        self.code.ends_with(".NotFound") || self.code.ends_with(".NotFoundException")
    }

    /// Whether something else has to go first.
    pub fn is_in_use(&self) -> bool {
        const IN_USE: [&str; 6] = [
            "DependencyViolation",
            "InvalidIPAddress.InUse",
            "VolumeInUse",
            "IncorrectState",
            "IncorrectInstanceState",
            "InvalidGroup.InUse",
        ];
        IN_USE.contains(&self.code.as_str())
    }
}

impl From<ApiError> for DeployError {
    fn from(error: ApiError) -> Self {
        let hint = match error.code.as_str() {
            UNREACHABLE => "is the network there, and AWS_ENDPOINT_URL, if it is set, right?",
            "AuthFailure" | "InvalidClientTokenId" | "SignatureDoesNotMatch" => {
                "are the credentials right, and this machine's clock?"
            }
            "UnauthorizedOperation" | "AccessDenied" => {
                "the account needs that permission; deploy/README.md has the list"
            }
            _ => "the command can be called again; it goes on from where it was",
        };
        Self::surroundings(error.to_string(), hint)
    }
}

/// What time it is; the machine's clock, but in tests.
pub type Clock = fn() -> SystemTime;

/// Speaks to EC2 in any region.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    credentials: Credentials,
    endpoint: Option<String>,
    clock: Clock,
    pause: Duration,
    /// Calls so far, tries included.
    calls: Mutex<u64>,
}

impl Client {
    /// A client with these credentials; `endpoint` instead of AWS's own, wherever it asks; `pause` between two
    /// looks at something that takes time.
    pub fn new(
        credentials: Credentials,
        endpoint: Option<String>,
        clock: Clock,
        pause: Duration,
    ) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_TIME))
            .build();
        let agent = config.into();
        Self { agent, credentials, endpoint, clock, pause, calls: Mutex::new(0) }
    }

    /// Waits as long as something takes to move on.
    pub fn pause(&self) {
        std::thread::sleep(self.pause);
    }

    /// Asks for an action with parameters, and gives the answer's text.
    ///
    /// # Errors
    /// EC2 refuses, or all tries have failed.
    pub fn call(
        &self,
        region: &str,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<String, ApiError> {
        let mut tries = 1;
        loop {
            match self.once(region, action, parameters) {
                Err(error) if error.is_passing() && tries < TRIES => {
                    // 1, 2, 4, 8, 8, …: a throttled account gets its tokens back by the second.
                    std::thread::sleep(self.pause * (1 << (tries - 1)).min(PAUSES_MAX));
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn once(
        &self,
        region: &str,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<String, ApiError> {
        *self.calls.lock().expect("nobody panics with it") += 1;
        let error = |code: &str, message: String| ApiError {
            action: action.to_owned(),
            region: region.to_owned(),
            code: code.to_owned(),
            message,
        };
        let url = self.endpoint.clone().unwrap_or_else(|| endpoint(region));
        let url = format!("{}/", url.trim_end_matches('/'));
        let body = form(action, parameters);
        let headers = self
            .signed(region, &url, &body)
            .map_err(|cause| error("Unsigned", format!("cannot be signed: {cause}")))?;
        let mut request = self.agent.post(&url).header("content-type", CONTENT_TYPE);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let unreachable = |cause: ureq::Error| error(UNREACHABLE, cause.to_string());
        let mut response = request.send(body.as_str()).map_err(unreachable)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        if status.is_success() {
            return Ok(text);
        }
        let (code, message) = refusal(&text).unwrap_or_else(|| {
            let code = if status.is_server_error() { "InternalError" } else { "Refused" };
            (code.to_owned(), format!("status {status}"))
        });
        Err(error(&code, message))
    }

    fn signed(
        &self,
        region: &str,
        url: &str,
        body: &str,
    ) -> Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("ec2")
            .time((self.clock)())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", CONTENT_TYPE)].into_iter();
        let request =
            SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes()))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let headers = instructions.headers();
        Ok(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// AWS's own address for a region; China has a domain of its own.
fn endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://ec2.{region}.{domain}")
}

fn form(action: &str, parameters: &[(String, String)]) -> String {
    let mut text = format!("Action={action}&Version={VERSION}");
    for (name, value) in parameters {
        text.push('&');
        text.push_str(&encoded(name));
        text.push('=');
        text.push_str(&encoded(value));
    }
    text
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            (byte as char).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Code and message of a refusal.
fn refusal(text: &str) -> Option<(String, String)> {
    let document = roxmltree::Document::parse(text).ok()?;
    let of = |name: &str| {
        let found = document.descendants().find(|node| node.has_tag_name(name));
        Some(found?.text().unwrap_or_default().to_owned())
    };
    Some((of("Code")?, of("Message").unwrap_or_default()))
}
