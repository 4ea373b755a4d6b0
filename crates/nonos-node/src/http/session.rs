//! Who may ask: the token of the data directory, links made from it, and sessions that a link opens.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use nonos_types::{Digest, Tag, Timestamp};
use zeroize::Zeroizing;

/// Secrets are compared by their digests, so that how long it takes says nothing of them.
enum Secret {}

impl Tag for Secret {
    const DOMAIN: &'static str = "nonos/v1/http-secret";
}

enum LinkCode {}

impl Tag for LinkCode {
    const DOMAIN: &'static str = "nonos/v1/http-link";
}

/// Sessions at a time; the oldest gives way.
const SESSIONS: usize = 32;
/// Seconds that a session lasts, if the node does.
const SESSION_S: u64 = 7 * 24 * 60 * 60;
/// Seconds that a link can be followed in.
pub(super) const LINK_S: u64 = 10 * 60;
/// Seconds by which a link may seem to be made in the future: no more than the hand that sets a clock.
const AHEAD_S: u64 = 60;

/// The code of a link: whoever can read the token can make one.
pub(super) fn code(token: &str, nonce: [u8; 16], expires: Timestamp) -> String {
    format!(
        "{}.{}.{}",
        hex::encode(nonce),
        expires.get(),
        mac(token, nonce, expires)
    )
}

fn mac(token: &str, nonce: [u8; 16], expires: Timestamp) -> Digest<LinkCode> {
    Digest::hash(&[token.as_bytes(), &nonce, &expires.get().to_be_bytes()])
}

/// What opens the door.
pub(super) struct Sessions {
    token: Zeroizing<String>,
    open: Mutex<VecDeque<Session>>,
    /// Links that were followed, and could be again until then.
    used: Mutex<BTreeMap<[u8; 16], Timestamp>>,
}

struct Session {
    cookie: Digest<Secret>,
    key: Digest<Secret>,
    ends: Timestamp,
}

/// A session that was opened: its two halves. The cookie goes to every port of 127.0.0.1, whoever listens there; the key is
/// kept by the page, whose origin has the port in it. Neither opens anything alone.
pub(super) struct Opened {
    pub(super) cookie: Zeroizing<String>,
    pub(super) key: Zeroizing<String>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(…)")
    }
}

/// Why a link opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stale {
    #[error(
        "this link is not one of this node, or of one that was stopped since: `operator dashboard` makes another"
    )]
    Unknown,
    #[error("this link was followed before: `operator dashboard` makes another")]
    Used,
    #[error("this link is too old: `operator dashboard` makes another")]
    Expired,
}

fn secret(text: &str) -> Digest<Secret> {
    Digest::hash(&[text.as_bytes()])
}

impl Sessions {
    pub(super) fn new(token: Zeroizing<String>) -> Self {
        Self {
            token,
            open: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// Is it the token?
    pub(super) fn is_token(&self, presented: &str) -> bool {
        secret(presented) == secret(&self.token)
    }

    /// Opens a session for the code of a link, once.
    pub(super) fn redeem(&self, code: &str, fresh: [[u8; 32]; 2], now: Timestamp) -> Result<Opened, Stale> {
        let mut parts = code.split('.');
        let (Some(nonce), Some(expires), Some(shown), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Stale::Unknown);
        };
        let mut bytes = [0; 16];
        let Ok(expires) = expires.parse().map(Timestamp::new) else {
            return Err(Stale::Unknown);
        };
        if hex::decode_to_slice(nonce, &mut bytes).is_err()
            || secret(shown) != secret(&mac(&self.token, bytes, expires).to_string())
        {
            return Err(Stale::Unknown);
        }
        if expires <= now || expires.get() > now.get() + LINK_S + AHEAD_S {
            return Err(Stale::Expired);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until > now);
        if used.insert(bytes, expires).is_some() {
            return Err(Stale::Used);
        }
        drop(used);
        let opened = Opened {
            cookie: Zeroizing::new(hex::encode(fresh[0])),
            key: Zeroizing::new(hex::encode(fresh[1])),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|it| it.ends > now);
        if open.len() >= SESSIONS {
            open.pop_front();
        }
        open.push_back(Session {
            cookie: secret(&opened.cookie),
            key: secret(&opened.key),
            ends: Timestamp::new(now.get() + SESSION_S),
        });
        Ok(opened)
    }

    /// Are these the two halves of a session?
    pub(super) fn knows(&self, cookie: &str, key: &str, now: Timestamp) -> bool {
        let (cookie, key) = (secret(cookie), secret(key));
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter()
            .any(|it| it.cookie == cookie && it.key == key && it.ends > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::new(1_000_000);

    fn sessions() -> Sessions {
        Sessions::new(Zeroizing::new("the token".to_owned()))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(NOW.get() + seconds)
    }

    fn link(token: &str, nonce: u8, expires: Timestamp) -> String {
        code(token, [nonce; 16], expires)
    }

    #[test]
    fn a_link_opens_a_session_once() {
        let sessions = sessions();
        let code = link("the token", 1, at(LINK_S));
        let opened = sessions.redeem(&code, [[1; 32], [2; 32]], NOW).expect("fresh");
        assert!(sessions.knows(&opened.cookie, &opened.key, NOW));
        assert_eq!(
            sessions.redeem(&code, [[3; 32], [4; 32]], NOW).err(),
            Some(Stale::Used)
        );
        assert_eq!(
            sessions.redeem(&code, [[3; 32], [4; 32]], at(LINK_S - 1)).err(),
            Some(Stale::Used)
        );
    }

    #[test]
    fn a_session_has_two_halves_that_belong_together_and_ends() {
        let sessions = sessions();
        let open = |nonce: u8| {
            let code = link("the token", nonce, at(60));
            sessions
                .redeem(&code, [[nonce; 32], [nonce + 1; 32]], NOW)
                .expect("fresh")
        };
        let (one, other) = (open(1), open(5));
        assert!(sessions.knows(&one.cookie, &one.key, at(SESSION_S - 1)));
        assert!(!sessions.knows(&one.cookie, &other.key, NOW));
        assert!(!sessions.knows(&one.key, &one.cookie, NOW));
        assert!(!sessions.knows(&one.cookie, "", NOW));
        assert!(!sessions.knows("", &one.key, NOW));
        assert!(!sessions.knows(&one.cookie, &one.key, at(SESSION_S)));
    }

    #[test]
    fn refuses_a_link_of_another_token_or_time() {
        let sessions = sessions();
        let redeem = |code: &str| sessions.redeem(code, [[1; 32], [2; 32]], NOW).err();
        assert_eq!(redeem(&link("another", 1, at(60))), Some(Stale::Unknown));
        assert_eq!(redeem(&link("the token", 1, NOW)), Some(Stale::Expired));
        // Nobody makes one that lasts for ever.
        assert_eq!(
            redeem(&link("the token", 1, at(LINK_S + AHEAD_S + 1))),
            Some(Stale::Expired)
        );
        let good = link("the token", 1, at(60));
        let later = good.replace(&at(60).get().to_string(), &at(61).get().to_string());
        assert_eq!(redeem(&later), Some(Stale::Unknown));
        for bad in [
            "",
            "..",
            "a.b.c",
            &good[1..],
            &format!("{good}."),
            &format!("{good}.x"),
        ] {
            assert_eq!(redeem(bad), Some(Stale::Unknown), "{bad}");
        }
        assert_eq!(redeem(&good), None);
    }

    #[test]
    fn the_token_is_itself_and_nothing_else() {
        let sessions = sessions();
        assert!(sessions.is_token("the token"));
        for other in ["", "the toke", "the token ", "The token"] {
            assert!(!sessions.is_token(other), "{other}");
        }
    }

    #[test]
    fn the_oldest_session_gives_way() {
        let sessions = sessions();
        let mut all = Vec::new();
        for nonce in 0..=u8::try_from(SESSIONS).expect("few") {
            let code = link("the token", nonce, at(60));
            all.push(
                sessions
                    .redeem(&code, [[nonce; 32], [nonce; 32]], NOW)
                    .expect("fresh"),
            );
        }
        assert!(!sessions.knows(&all[0].cookie, &all[0].key, NOW));
        assert!(all[1..].iter().all(|it| sessions.knows(&it.cookie, &it.key, NOW)));
    }
}
