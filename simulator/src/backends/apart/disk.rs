//! A disk of its own for the store's data, so that it can be full.
//!
//! It is a file system in memory, of a fixed size, mounted in the run's folder; what fills it is a file beside
//! the data. Its name is the run's, as the mount's source. When the run ends the data moves to where the
//! disk was, without what filled it. Not here: when it is full (`hands`), that it goes (`reaper`).

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, statvfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// The size of a disk, in bytes: more than the data of a run comes to, less than a machine has memory.
const SIZE: u64 = 256 << 20;

/// What fills it.
const BALLAST: &str = "ballast";

/// Where the system tells what is mounted.
const MOUNTS: &str = "/proc/self/mounts";

/// How many bytes have to find room, or there is none: a page.
const PAGE: usize = 4096;

/// A disk.
#[derive(Clone, Debug)]
pub(super) struct Disk(PathBuf);

impl Disk {
    /// Mounts one of this name at a folder, which is made.
    ///
    /// # Errors
    /// If the system does not do it.
    pub(super) fn make(name: &str, folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let options = std::ffi::CString::new(format!("size={SIZE},mode=0755"))
            .expect("there is no zero byte in it");
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        mount(name, folder, "tmpfs", flags, &*options)?;
        Ok(Self(folder.to_path_buf()))
    }

    /// Where data goes.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// From now on there is no room on it.
    ///
    /// # Errors
    /// If it cannot be filled.
    pub(super) fn fill(&self) -> io::Result<()> {
        let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
        let room = statvfs(&self.0)?;
        let (at, bytes) = (ballast.metadata()?.len(), room.f_bavail * room.f_frsize);
        if bytes > 0 {
            match rustix::fs::fallocate(&ballast, FallocateFlags::empty(), at, bytes) {
                // Somebody else was faster.
                Ok(()) | Err(Errno::NOSPC) => {}
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            match ballast.write_all(&[0; PAGE]) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// There is room again.
    ///
    /// # Errors
    /// If there is not.
    pub(super) fn empty(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    /// Whether nothing can be written on it: that is tried.
    pub(super) fn is_full(&self) -> bool {
        let trial = self.0.join("trial");
        let written = fs::write(&trial, [1; PAGE]);
        // It may not have been made at all.
        let _ = fs::remove_file(trial);
        written.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
    }

    fn ballast(&self) -> PathBuf {
        self.0.join(BALLAST)
    }
}

/// The names of all disks on this machine, and of other things that are mounted.
pub(super) fn all() -> Vec<String> {
    let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
    mounts.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

/// Takes the disks of a name away; what was on them is where they were.
///
/// # Errors
/// If one stays.
pub(super) fn remove(name: &str) -> io::Result<()> {
    let mounts = fs::read_to_string(MOUNTS)?;
    let of_name = mounts.lines().filter_map(|line| {
        let (source, rest) = line.split_once(' ')?;
        (source == name).then(|| unescaped(rest.split(' ').next().unwrap_or_default()))
    });
    for folder in of_name {
        let kept = folder.with_extension("kept");
        let _ = fs::remove_dir_all(&kept);
        // Whoever fills a disk does not want that back.
        let _ = fs::remove_file(folder.join(BALLAST));
        copy(&folder, &kept)?;
        unmount(&folder, UnmountFlags::empty())?;
        fs::remove_dir(&folder)?;
        fs::rename(kept, folder)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// A path, as the list of what is mounted has it: blanks and the like are numbers of three octal digits.
fn unescaped(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_blanks_is_read_as_it_is() {
        for (written, path) in
            [("/a/b", "/a/b"), (r"/a\040b\134c", r"/a b\c"), (r"/a\12", r"/a\12"), ("", "")]
        {
            assert_eq!(unescaped(written), Path::new(path));
        }
    }
}
