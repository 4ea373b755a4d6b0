//! Why an operator has put a peer on the blacklist, in his words.

use std::fmt;

use nonos_store::Record;
use serde::Serialize;

/// Words of an operator: 1 to [`Reason::MAX`] bytes, in one line, without control characters. They stay on this machine.
///
/// ```
/// use nonos_trust::Reason;
///
/// assert_eq!(Reason::new(" it spams ").map(|it| it.to_string()).as_deref(), Some("it spams"));
/// assert_eq!(Reason::new(""), None);
/// assert_eq!(Reason::new("two\nlines"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Reason(String);

impl Reason {
    /// Most bytes.
    pub const MAX: usize = 512;

    /// These words, without blanks around them, if they are a reason.
    pub fn new(words: &str) -> Option<Self> {
        let words = words.trim();
        let fits = (1..=Self::MAX).contains(&words.len()) && !words.chars().any(char::is_control);
        fits.then(|| Self(words.to_owned()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Record for Reason {
    fn to_record(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        let words = std::str::from_utf8(bytes).ok()?;
        Self::new(words).filter(|it| it.0 == words)
    }
}
