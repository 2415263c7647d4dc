//! The name of a run on this machine: whatever belongs to it carries this name.
//!
//! It says which process runs it, and since when, so that anybody can see whether that one still lives:
//! what carries the name of a run whose harness is gone is left over.

use std::fmt;
use std::fs;

/// What every name of a run begins with.
const PREFIX: &str = "tb";

/// The longest name: one of a network interface has no more bytes.
const LENGTH_MAX: usize = 15;

/// A run's name, as `tb3kq-9f2x1`: a process, and when it began.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RunId {
    text: String,
    process: u64,
    began: u64,
}

impl RunId {
    /// The run of this process.
    pub(in super::super) fn of_this_process() -> Option<Self> {
        Self::of_process(std::process::id())
    }

    /// The run of the process of this number, if there is one.
    pub fn of_process(process: u32) -> Option<Self> {
        let process = u64::from(process);
        Self::new(process, beginning(process)?)
    }

    fn new(process: u64, began: u64) -> Option<Self> {
        let text = format!("{PREFIX}{}-{}", in_base_36(process), in_base_36(began));
        (text.len() <= LENGTH_MAX).then_some(Self { text, process, began })
    }

    /// The run that a name begins with: `tb3kq-9f2x1-n2` is of the run `tb3kq-9f2x1`.
    pub fn of_name(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.split('-');
        let (process, began) = (parts.next()?, parts.next()?);
        Self::new(from_base_36(process)?, from_base_36(began)?)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the process that runs it is there.
    pub fn is_running(&self) -> bool {
        beginning(self.process) == Some(self.began)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// When a process began, in the system's ticks since it was started; none if there is no such process.
fn beginning(process: u64) -> Option<u64> {
    // Linux: the 22nd field; the second is a name in brackets that may hold anything.
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    // One that has ended, and that nobody has asked how, has no more to say.
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn in_base_36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).expect("less than 36");
        digits.push(char::from_digit(digit, 36).expect("less than 36"));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

fn from_base_36(text: &str) -> Option<u64> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    if !text.bytes().all(is_plain) {
        return None;
    }
    u64::from_str_radix(text, 36).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_process_runs_it_and_whether_it_is_there() {
        let this = RunId::of_this_process().unwrap();
        assert!(this.is_running());
        assert_eq!(RunId::of_name(&format!("{this}-n12")).as_ref(), Some(&this));
        assert_eq!(RunId::of_name(this.as_str()).as_ref(), Some(&this));
        // Another process that has the number by now is not the one.
        let other = RunId::new(this.process, this.began + 1).unwrap();
        assert!(!other.is_running());
        assert!(!RunId::new(u64::from(u32::MAX), 1).unwrap().is_running(), "no such process");
    }

    #[test]
    fn other_names_are_of_no_run() {
        for name in ["", "tb", "tb-", "tb1", "tb1-", "n1", "tbA-1", "tb1-+2", "tb1-é", "docker0"] {
            assert_eq!(RunId::of_name(name), None, "{name}");
        }
        // It would not fit into the name of a network interface.
        assert_eq!(RunId::new(u64::MAX, 1), None);
        assert_eq!(RunId::new(4_194_304, 7_000_000_000).map(|id| id.text.len()), Some(15));
    }
}
