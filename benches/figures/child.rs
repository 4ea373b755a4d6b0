//! A row whose memory counts is a process of its own: a process's peak never falls.

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};

use crate::report::Result;

/// What a process told, by name.
pub(crate) type Figures = BTreeMap<String, u64>;

/// Runs this program again, and reads what it tells.
pub(crate) fn start(arguments: &[&str]) -> Result<Figures> {
    let output = Command::new(env::current_exe()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", arguments.join(" "), output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').ok_or("not a figure")?;
            Ok((name.to_owned(), value.parse()?))
        })
        .collect()
}
