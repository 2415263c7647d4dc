//! What a node's core hears and says, written down while it runs, so that it can be told again.
//!
//! A core is a function of its inputs: whoever has them all has the node, whatever machine, clock,
//! chance and store it ran with. A record is a file of JSON lines. An object with `node` begins a life
//! of the node: who it is, its rules, its bounds ([`Begun`]). An object with `at` is an input, written
//! before the core gets it, so that one which ends the node is there (`heard`). The array behind it
//! is what came of it, a text for each effect (`said`). Work is pure, so of its outcome only a digest
//! is kept: whoever replays does it once more. No private key is in a record.
//!
//! Here: the file being written ([`Recorder`]). It is read in `read` and told to a core again in
//! `replay`. Not here: where inputs come from (`shell`).

mod begun;
mod heard;
mod line;
mod read;
mod replay;
mod rows;
mod said;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bigchaindb_core::rules::ConsensusRules;
use bigchaindb_core::stages::{Config, Effect, Event, Now};

use line::Known;

pub use begun::Begun;
pub use read::{LineError, ReadError};
pub use replay::{Difference, Ending, ReplayError, Replayed, replay};

/// Entries that may wait to be written. When a disk does not keep up the node waits for it, rather
/// than leave out what nobody could do without.
const WAITING_MAX: usize = 1024;

/// So many bytes are written at once.
const AT_ONCE: usize = 64 * 1024;

/// Whoever writes looks for more only after this long.
const PAUSE: Duration = Duration::from_millis(1);

/// Writes down what a node hears and says. Clones write into the same file; the default writes
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Option<SyncSender<Entry>>);

/// The thread that writes a record. It ends when the last [`Recorder`] is gone.
#[derive(Debug)]
pub struct Writing {
    path: PathBuf,
    thread: JoinHandle<io::Result<()>>,
}

/// What is written down.
#[derive(Debug)]
enum Entry {
    Begun(Box<Begun>),
    Heard(Now, Event),
    Said(Vec<Effect>),
}

impl Recorder {
    /// Writes into this file, behind what is there already: the node lives once more.
    ///
    /// # Errors
    /// If the file cannot be opened, or there can be no further thread.
    pub fn start(path: &Path) -> io::Result<(Self, Writing)> {
        let file = open(path)?;
        let (entries, written) = sync_channel(WAITING_MAX);
        let name = path.display().to_string();
        let run = move || {
            write_down(&written, file).inspect_err(|error| {
                log::error!(target: "bigchaindb", "the record {name} ends here: {error}");
            })
        };
        let thread = thread::Builder::new().name("record".to_owned()).spawn(run)?;
        Ok((Self(Some(entries)), Writing { path: path.to_owned(), thread }))
    }

    /// A node begins to live.
    pub(crate) fn begun(&self, config: &Config, rules: &dyn ConsensusRules) {
        self.write(|| Entry::Begun(Box::new(Begun::of(config, rules))));
    }

    /// The core is about to hear this.
    pub(crate) fn heard(&self, now: Now, event: &Event) {
        self.write(|| Entry::Heard(now, event.clone()));
    }

    /// This is what came of it.
    pub(crate) fn said(&self, effects: &[Effect]) {
        self.write(|| Entry::Said(effects.to_vec()));
    }

    /// A record that cannot be written does not stop a node; its thread has said why.
    fn write(&self, entry: impl FnOnce() -> Entry) {
        if let Some(entries) = &self.0 {
            let _ = entries.send(entry());
        }
    }
}

impl Writing {
    /// Waits until all is in the file. Every [`Recorder`] of it has to be gone, or this waits for ever.
    ///
    /// # Errors
    /// The first error of any write, with the file.
    pub fn finish(self) -> io::Result<()> {
        let Self { path, thread } = self;
        let written = thread.join().expect("whoever writes down does not panic");
        written.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
        })
    }
}

/// Opens a record to be gone on with. A line that was torn when the node was killed ends here.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// Writes until nobody is left who has something to say. Whenever nothing waits, all is in the file, so
/// that a process which is killed has lost little.
fn write_down(entries: &Receiver<Entry>, mut file: File) -> io::Result<()> {
    let (mut lines, mut known) = (String::with_capacity(2 * AT_ONCE), Known::default());
    while let Ok(first) = entries.recv() {
        // To be woken for each entry would cost the node more than to write them.
        thread::sleep(PAUSE);
        for entry in iter::once(first).chain(entries.try_iter()) {
            match entry {
                Entry::Begun(begun) => {
                    known = Known::default();
                    begun.write(&mut lines);
                }
                Entry::Heard(now, event) => heard::write(now, &event, &mut lines, &mut known),
                Entry::Said(effects) => said::write(&effects, &mut lines),
            }
            lines.push('\n');
            if lines.len() >= AT_ONCE {
                file.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        file.write_all(lines.as_bytes())?;
        lines.clear();
    }
    Ok(())
}
