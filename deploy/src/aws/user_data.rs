//! What a machine is told before anybody logs in: its host key, and when it ends.
//!
//! Cloud-init reads it. It holds the machine's private host key, so the file is mode 600 here; whoever is on the
//! machine itself can read it, and nobody else (`http_tokens = "required"`).
//!
//! Source: cloud-init documentation, "Cloud config: SSH, Write Files, Runcmd".

use serde_json::json;

use crate::run::rfc3339;

/// EC2 takes no more.
pub const BYTES_MAX: usize = 16 * 1024;

/// The service that ends a machine, and the name of its timer.
const UNIT: &str = "testbed-end";

/// The user-data of a machine with this host key that ends at this second since 1970.
///
/// At that second the machine shuts down, and shutting down means its end; a machine that is off then ends as
/// soon as it starts. The timer is the machine's own: it needs nobody who remembers.
pub fn user_data(host_key: &str, host_key_public: &str, expires_s: u64) -> String {
    // systemd takes times without the T and the Z.
    let at = rfc3339(expires_s).replace('T', " ").replace('Z', " UTC");
    let service = "[Unit]\nDescription=The end of this machine's run\n\n[Service]\nType=oneshot\n\
                   ExecStart=/usr/bin/systemctl poweroff\n";
    let timer = format!(
        "[Unit]\nDescription=When this machine's run ends\n\n[Timer]\nOnCalendar={at}\nPersistent=true\n\n[Install]\n\
         WantedBy=timers.target\n"
    );
    let file = |suffix: &str, content: &str| {
        let path = format!("/etc/systemd/system/{UNIT}.{suffix}");
        json!({ "path": path, "permissions": "0644", "content": content })
    };
    let config = json!({
        "ssh_deletekeys": true,
        "ssh_keys": { "ed25519_private": host_key, "ed25519_public": host_key_public },
        "ssh_pwauth": false,
        "disable_root": true,
        "write_files": [
            file("service", service),
            file("timer", &timer),
        ],
        "runcmd": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", format!("{UNIT}.timer")],
        ],
    });
    // JSON is YAML.
    format!("#cloud-config\n{config:#}\n")
}
