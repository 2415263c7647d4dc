//! `testbed list`: which scenarios there are.

use std::path::{Path, PathBuf};

use bigchaindb_simulator::scenario::Scenario;
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Name the scenarios there are, each with its story in a line.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed list scenarios/smoke")]
pub(crate) struct List {
    /// The folder to look in, with all that is below it.
    #[arg(default_value = "scenarios")]
    folder: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Line {
    file: String,
    name: String,
    story: String,
    backends: Vec<String>,
}

impl List {
    pub(crate) fn run(&self) -> Result<Exit> {
        let mut files = Vec::new();
        find(&self.folder, &mut files)?;
        files.sort();
        let mut lines = Vec::new();
        for file in files {
            let scenario = Scenario::load(&file, None)?;
            lines.push(Line {
                file: scenario.file.clone(),
                story: scenario.story.lines().next().unwrap_or_default().to_owned(),
                backends: scenario.backends.iter().map(ToString::to_string).collect(),
                name: scenario.name,
            });
        }
        let width = lines.iter().map(|line| line.file.len()).max().unwrap_or(0);
        for Line { file, story, .. } in &lines {
            self.output.line(format!("{file:width$}  {story}"));
        }
        self.output.data(&lines);
        Ok(Exit::Done)
    }
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error: std::io::Error| {
        let message = format!("{}: {error}", folder.display());
        Failure::wrong(message, "name the folder that holds the scenarios")
    };
    for entry in folder.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
