//! What a capsule is written in.

use super::{SdkError, shown};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The source in a directory. Paths are names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A crate.
    Rust,
    /// Files in C, compiled together, in this order.
    C(Vec<PathBuf>),
    /// A module in the text format.
    Wat(PathBuf),
}

impl Source {
    /// Finds it.
    pub(crate) fn find(dir: &Path) -> Result<Self, SdkError> {
        let none = || SdkError::NoSource { dir: dir.to_owned() };
        let mut names: Vec<PathBuf> = fs::read_dir(dir)
            .map_err(|_| none())?
            .flatten()
            .map(|entry| PathBuf::from(entry.file_name()))
            .collect();
        // Whatever order the directory has them in.
        names.sort();
        let of = |extension: &str| -> Vec<PathBuf> {
            let is = |name: &&PathBuf| name.extension().is_some_and(|it| it == extension);
            names.iter().filter(is).cloned().collect()
        };
        let crates: Vec<PathBuf> = names
            .iter()
            .filter(|name| name.as_os_str() == "Cargo.toml")
            .cloned()
            .collect();
        let (c, wat) = (of("c"), of("wat"));
        match (&crates[..], &c[..], &wat[..]) {
            ([_], [], []) => Ok(Self::Rust),
            ([], [_, ..], []) => Ok(Self::C(c)),
            ([], [], [text]) => Ok(Self::Wat(text.clone())),
            ([], [], []) => Err(none()),
            _ => Err(SdkError::Ambiguous {
                dir: dir.to_owned(),
                found: shown(&[crates, c, wat].concat()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_one_kind_of_source_in_one_order() {
        let dir = tempfile::tempdir().expect("a directory");
        let find = || Source::find(dir.path());
        assert!(matches!(find(), Err(SdkError::NoSource { .. })));
        for name in ["b.c", "a.c", "a.h", "manifest.toml"] {
            fs::write(dir.path().join(name), "").expect("write");
        }
        assert_eq!(find().expect("C"), Source::C(vec!["a.c".into(), "b.c".into()]));
        fs::write(dir.path().join("x.wat"), "").expect("write");
        assert!(matches!(find(), Err(SdkError::Ambiguous { .. })));
        let remove = |name: &str| fs::remove_file(dir.path().join(name)).expect("remove");
        remove("a.c");
        remove("b.c");
        assert_eq!(find().expect("text"), Source::Wat("x.wat".into()));
        fs::write(dir.path().join("y.wat"), "").expect("write");
        assert!(
            matches!(find(), Err(SdkError::Ambiguous { .. })),
            "two texts are two modules"
        );
        remove("x.wat");
        remove("y.wat");
        fs::write(dir.path().join("Cargo.toml"), "").expect("write");
        assert_eq!(find().expect("a crate"), Source::Rust);
    }
}
