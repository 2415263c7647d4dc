//! Progress, on stderr, and only at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Something of which nobody knows how long it takes.
pub(crate) fn spinner(message: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    let bar = ProgressBar::new_spinner().with_style(style.expect("the template is well-formed"));
    bar.set_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Something of a known number of parts.
pub(crate) fn bar(parts: u64, message: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} ({eta} left)");
    let bar = ProgressBar::new(parts).with_style(style.expect("the template is well-formed"));
    bar.set_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
