//! Takes out of a report what is nobody's business.

use serde_json::Value;
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

/// Keys of config.toml whose values are not told: words that make nodes one family, and an address that may have a
/// chain provider's key in it.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(key, "onion.family" | "settlement.evm.rpc")
}

/// So long and without a break are hashes, keys, tokens and the names of peers.
const LONG: usize = 32;
/// What is left of one.
const LEFT: usize = 8;

/// What is taken out.
pub(super) struct Redact<'a> {
    /// Nowhere, and in no way.
    pub(super) secrets: Vec<&'a str>,
    /// The user's directory, which has the user's name.
    pub(super) home: Option<String>,
    /// Are ids and addresses shortened?
    pub(super) shorten: bool,
}

impl Redact<'_> {
    /// Of all texts in it.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|it| self.value(it)),
            Value::Object(values) => values.values_mut().for_each(|it| self.value(it)),
            _ => {}
        }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|it| !it.is_empty()) {
            text = text.replace(secret, "(removed)");
        }
        if let Some(home) = self.home.as_deref().filter(|it| it.len() > 1) {
            text = text.replace(home, "~");
        }
        if self.shorten {
            text = addresses(&names(&text));
        }
        text
    }
}

/// Cuts what is long and without a break.
fn names(text: &str) -> String {
    pieces(
        text,
        |c| c.is_ascii_alphanumeric(),
        |word| (word.len() >= LONG).then(|| format!("{}…", &word[..LEFT])),
    )
}

/// Cuts addresses of machines; those that are only of this one stay.
fn addresses(text: &str) -> String {
    pieces(
        text,
        |c| c.is_ascii_hexdigit() || c == '.' || c == ':',
        |word| {
            let word = word.trim_end_matches(['.', ':']);
            let ip: IpAddr = word
                .parse()
                .ok()
                .or_else(|| Some(word.parse::<SocketAddr>().ok()?.ip()))?;
            if ip.is_loopback() || ip.is_unspecified() {
                return None;
            }
            Some(match ip {
                IpAddr::V4(ip) => format!("{}.x.x.x", ip.octets()[0]),
                IpAddr::V6(ip) => format!("{:x}:x", ip.segments()[0]),
            })
        },
    )
}

/// Puts something in the place of words, where there is something.
fn pieces(text: &str, is_of_word: impl Fn(char) -> bool, instead: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(&instead(word).unwrap_or_else(|| word.to_owned()));
        let mut after = after.chars();
        if let Some(c) = after.next() {
            let _ = write!(out, "{c}");
        }
        rest = after.as_str();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redact(text: &str, shorten: bool) -> String {
        let redact = Redact {
            secrets: vec!["open sesame", ""],
            home: Some("/srv/ada".to_owned()),
            shorten,
        };
        let mut value = json!({ "a": [{ "b": text }] });
        redact.value(&mut value);
        value["a"][0]["b"].as_str().expect("a text").to_owned()
    }

    #[test]
    fn ids_and_addresses_are_shortened_and_words_are_not() {
        let id = "ab".repeat(32);
        let peer = "12D3KooWD3bfmNbuuuTfd8MwZmRk5CzMYqcdUYTuvJJ5wxQtQZpn";
        for (text, left) in [
            (format!("node {id}, up"), "node abababab…, up".to_owned()),
            (
                format!("/ip4/192.0.2.7/tcp/4710/p2p/{peer}"),
                "/ip4/192.x.x.x/tcp/4710/p2p/12D3KooW…".to_owned(),
            ),
            (
                "[2001:db8::1]:80 and 10.1.2.3:4710.".to_owned(),
                "[2001:x]:80 and 10.x.x.x".to_owned(),
            ),
            (
                "/ip4/127.0.0.1/tcp/1 /ip4/0.0.0.0/tcp/2 ::1".to_owned(),
                "/ip4/127.0.0.1/tcp/1 /ip4/0.0.0.0/tcp/2 ::1".to_owned(),
            ),
            (
                "version 0.1.0 at 12:34:56, limits.disk".to_owned(),
                "version 0.1.0 at 12:34:56, limits.disk".to_owned(),
            ),
        ] {
            assert_eq!(redact(&text, true), left);
            assert_eq!(redact(&text, false), text);
        }
    }

    #[test]
    fn secrets_and_the_users_name_are_nowhere() {
        for shorten in [true, false] {
            let left = redact("/srv/ada/node: open sesame, said ADA", shorten);
            assert_eq!(left, "~/node: (removed), said ADA");
        }
    }
}
