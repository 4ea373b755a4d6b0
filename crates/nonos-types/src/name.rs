//! Names of statements and of the proof systems that prove them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// A name that is not a lowercase path of letters, digits, `-`, `.` and `/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {MAX_NAME} bytes of a-z, 0-9, '-', '.' and '/'; this one has {len} bytes")]
#[non_exhaustive]
pub struct BadName {
    /// Length of the refused name in bytes.
    pub len: usize,
}

const fn valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_NAME {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if !matches!(bytes[i], b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/') {
            return false;
        }
        i += 1;
    }
    true
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// A name written in the source.
            ///
            /// # Panics
            /// If the name is not valid; in a `const` this is a compile error.
            #[must_use]
            pub const fn new(name: &'static str) -> Self {
                assert!(valid(name), "1 to 64 bytes of a-z, 0-9, '-', '.' and '/'");
                Self(Cow::Borrowed(name))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(name: &str) -> Result<Self, BadName> {
                if valid(name) { Ok(Self(Cow::Owned(name.to_owned()))) } else { Err(BadName { len: name.len() }) }
            }
        }
    };
}

name! {
    /// Which relation is proved, with its version: `execution/v1`.
    ///
    /// ```
    /// use nonos_types::StatementId;
    /// const ID: StatementId = StatementId::new("execution/v1");
    /// assert_eq!("execution/v1".parse(), Ok(ID));
    /// assert!("Execution v1".parse::<StatementId>().is_err());
    /// ```
    StatementId
}

name! {
    /// Which proof system reads the proof bytes, with its version: `halo2-ipa/v1`.
    ///
    /// ```
    /// use nonos_types::BackendId;
    /// assert_eq!(BackendId::new("halo2-ipa/v1").as_str(), "halo2-ipa/v1");
    /// ```
    BackendId
}
