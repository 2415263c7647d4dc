//! Control groups: a process is held to a share of the machine.
//!
//! A group is there from the first limit of its member on until the run ends, and carries the run's name. Linux
//! has two versions of them: in the first, each controller has folders of its own; in the second there is one
//! folder for all. Not here: which limits (`limits`), that groups go (`reaper`).
//!
//! Source: Linux, Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use super::super::limits::{Limits, PERIOD_US, SHARE_US};

/// Where they are.
const ROOT: &str = "/sys/fs/cgroup";

/// What is in the root of the second version, and not in the first.
const CONTROLLERS: &str = "cgroup.controllers";

/// The controllers that hold a member to its limits.
const CPU: &str = "cpu";
const MEMORY: &str = "memory";

/// A group of a member's processes.
#[derive(Clone, Debug)]
pub(in super::super) struct Group {
    cpu: PathBuf,
    memory: PathBuf,
    is_unified: bool,
}

impl Group {
    /// The group of this name; it is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(in super::super) fn make(name: &str) -> io::Result<Self> {
        let is_unified = is_unified();
        if is_unified {
            write(&Path::new(ROOT).join("cgroup.subtree_control"), "+cpu +memory")?;
        }
        let [cpu, memory] = roots().map(|root| root.join(name));
        for folder in [&cpu, &memory] {
            if !folder.is_dir() {
                fs::create_dir(folder).map_err(|error| at(folder, &error))?;
            }
        }
        Ok(Self { cpu, memory, is_unified })
    }

    /// The group that a process is in.
    ///
    /// # Errors
    /// If it is gone, or not to be seen.
    pub(in super::super) fn of(process: Pid) -> io::Result<Self> {
        let path = PathBuf::from(format!("/proc/{}/cgroup", process.as_raw_nonzero()));
        let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        let is_unified = is_unified();
        let within = |controller| {
            let place = place_of(&text, if is_unified { "" } else { controller });
            place.ok_or_else(|| io::Error::other(format!("{}: no `{controller}`", path.display())))
        };
        let [cpu, memory] = roots();
        Ok(Self { cpu: cpu.join(within(CPU)?), memory: memory.join(within(MEMORY)?), is_unified })
    }

    /// Holds these processes to these limits, and all that they start.
    ///
    /// # Errors
    /// If the system does not do it.
    pub(in super::super) fn hold(&self, processes: &[Pid], limits: Limits) -> io::Result<()> {
        self.limit(limits)?;
        for process in processes {
            for folder in [&self.cpu, &self.memory] {
                let number = process.as_raw_nonzero().to_string();
                match write(&folder.join("cgroup.procs"), &number) {
                    // It has just ended.
                    Err(_) if super::state(*process).is_none() => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }

    fn limit(&self, limits: Limits) -> io::Result<()> {
        let period_us = limits.period_us();
        let (cpu, memory) = (|file| self.cpu.join(file), |file| self.memory.join(file));
        if self.is_unified {
            let quota = period_us.map_or_else(|| "max".to_owned(), |_| SHARE_US.to_string());
            write(&cpu("cpu.max"), &format!("{quota} {}", period_us.unwrap_or(PERIOD_US)))?;
            let bytes = limits.memory.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string());
            // It would rather be swapped out than outgrow anything.
            let swap = if limits.memory.is_some() { "0" } else { "max" };
            let swapped = memory("memory.swap.max");
            if swapped.is_file() {
                write(&swapped, swap)?;
            }
            return write(&memory("memory.max"), &bytes);
        }
        // In between, a quota must not be more than its period.
        write(&cpu("cpu.cfs_quota_us"), "-1")?;
        write(&cpu("cpu.cfs_period_us"), &period_us.unwrap_or(PERIOD_US).to_string())?;
        if period_us.is_some() {
            write(&cpu("cpu.cfs_quota_us"), &SHARE_US.to_string())?;
        }
        let bytes = limits.memory.map_or_else(|| "-1".to_owned(), |bytes| bytes.to_string());
        write(&memory("memory.swappiness"), if limits.memory.is_some() { "0" } else { "60" })?;
        write(&memory("memory.limit_in_bytes"), &bytes)
    }

    /// How often its share of a processor was used up before the time.
    pub(in super::super) fn throttled(&self) -> io::Result<u64> {
        field(&self.cpu.join("cpu.stat"), "nr_throttled")
    }

    /// How much memory counts as its own, in bytes: what its processes have taken since they are in it.
    pub(in super::super) fn memory(&self) -> io::Result<u64> {
        let file = if self.is_unified { "memory.current" } else { "memory.usage_in_bytes" };
        let path = self.memory.join(file);
        let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        text.trim().parse().map_err(|_| no_number(&path))
    }

    /// How many of its processes the system has killed for want of memory.
    pub(in super::super) fn outgrown(&self) -> io::Result<u64> {
        let file = if self.is_unified { "memory.events" } else { "memory.oom_control" };
        field(&self.memory.join(file), "oom_kill")
    }
}

/// The names of all groups on this machine that are not within others.
pub(in super::super) fn all() -> Vec<String> {
    let entries = roots().into_iter().filter_map(|root| fs::read_dir(root).ok());
    let folders = entries.flatten().flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Takes a group away. Nobody may be in it any more.
///
/// # Errors
/// If it stays.
pub(in super::super) fn remove(name: &str) -> io::Result<()> {
    for root in roots() {
        let folder = root.join(name);
        match fs::remove_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(at(&folder, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Why there can be no groups here; none if there can.
pub(in super::super) fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may make control groups".to_owned());
    }
    let known = |controller: &str| match is_unified() {
        true => {
            let all = fs::read_to_string(Path::new(ROOT).join(CONTROLLERS)).unwrap_or_default();
            all.split_whitespace().any(|known| known == controller)
        }
        false => Path::new(ROOT).join(controller).join("cgroup.procs").is_file(),
    };
    let missing = [CPU, MEMORY].into_iter().find(|controller| !known(controller))?;
    Some(format!("{ROOT} has no controller `{missing}`"))
}

fn is_unified() -> bool {
    Path::new(ROOT).join(CONTROLLERS).is_file()
}

/// Where the groups of both controllers are.
fn roots() -> [PathBuf; 2] {
    let root = Path::new(ROOT);
    if is_unified() { [root.into(), root.into()] } else { [root.join(CPU), root.join(MEMORY)] }
}

/// Where the group of a controller is, below its root, in a process' list: `4:cpu,cpuacct:/a/b`. That of all
/// controllers has no name there.
fn place_of<'t>(list: &'t str, controller: &str) -> Option<&'t str> {
    list.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, place) = rest.split_once(':')?;
        let is_it = controllers.split(',').any(|name| name == controller);
        is_it.then(|| place.trim_start_matches('/'))
    })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text).map_err(|error| at(path, &error))
}

/// The number behind a word, in a file of such lines.
fn field(path: &Path, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path).map_err(|error| at(path, &error))?;
    let of = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
    text.lines().find_map(of).ok_or_else(|| no_number(path))
}

fn no_number(path: &Path) -> io::Error {
    io::Error::other(format!("{}: there is no such number", path.display()))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_in_which_groups_it_is() {
        let list = "12:memory:/a/b\n4:cpu,cpuacct:/c\n0::/d:e\n";
        for (controller, place) in
            [("memory", Some("a/b")), ("cpu", Some("c")), ("cpuacct", Some("c")), ("", Some("d:e"))]
        {
            assert_eq!(place_of(list, controller), place);
        }
        assert_eq!(place_of(list, "pids"), None);
        assert_eq!(place_of("0::/\n", ""), Some(""));
    }
}
