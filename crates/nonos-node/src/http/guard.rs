//! What is asked of a request before anything is done for it. Browsers carry requests of every page they show to every
//! address of their machine: a request shows by its headers whose it is.

use std::net::SocketAddr;

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, HeaderName, ORIGIN},
};
use nonos_types::Timestamp;

use super::session::{Sessions, Stale};

/// Where a browser says what made it ask.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// The half of a session that the page keeps.
pub(super) const KEY: HeaderName = HeaderName::from_static("x-nonos-key");

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("this is not the name of the node's page: use 127.0.0.1 or localhost, and its port")]
    Host,
    #[error("another site's page asks")]
    Origin,
    #[error("another site's page asks")]
    Site,
    #[error("a request names a path, and no query but `after` of /api/events")]
    Target,
    #[error("not by this method")]
    Method,
    #[error("there is no such thing here")]
    Path,
    #[error(
        "the token of run/http-token, or a session, is wanted: `operator dashboard` makes a link that opens one"
    )]
    Stranger,
    #[error("{0}")]
    Link(Stale),
    #[error("the body is longer than it may be")]
    Long,
    #[error("the body does not come")]
    Slow,
    #[error("too many wait for events")]
    Busy,
}

impl Refusal {
    /// All, by name, for who counts them.
    pub(super) const NAMES: [&'static str; 11] = [
        "host", "origin", "site", "target", "method", "path", "stranger", "link", "long", "slow", "busy",
    ];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self.number()]
    }

    pub(super) fn number(self) -> usize {
        match self {
            Self::Host => 0,
            Self::Origin => 1,
            Self::Site => 2,
            Self::Target => 3,
            Self::Method => 4,
            Self::Path => 5,
            Self::Stranger => 6,
            Self::Link(_) => 7,
            Self::Long => 8,
            Self::Slow => 9,
            Self::Busy => 10,
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin | Self::Site | Self::Link(_) => StatusCode::FORBIDDEN,
            Self::Target => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Stranger => StatusCode::UNAUTHORIZED,
            Self::Long => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A file of the page, which says nothing of this node.
    File,
    /// Anything else.
    Answer,
    /// To open a session.
    Session,
}

/// The one value of a header; a second is as bad as none.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

/// Is this node called by its name? A name that an attacker's DNS gives this address is none of its.
pub(super) fn host(uri: &Uri, headers: &HeaderMap, at: SocketAddr) -> Result<(), Refusal> {
    if uri.authority().is_some() || uri.scheme().is_some() {
        return Err(Refusal::Target);
    }
    let host = only(headers, &HOST).map_err(|()| Refusal::Host)?;
    if host.is_some_and(|host| is_here(host, at)) {
        Ok(())
    } else {
        Err(Refusal::Host)
    }
}

fn is_here(host: &str, at: SocketAddr) -> bool {
    host == at.to_string()
        || host
            .strip_prefix("localhost:")
            .is_some_and(|port| port == at.port().to_string())
}

/// Does a page of this node ask, or none at all?
pub(super) fn site(headers: &HeaderMap, purpose: Purpose, at: SocketAddr) -> Result<(), Refusal> {
    match only(headers, &ORIGIN).map_err(|()| Refusal::Origin)? {
        None if purpose == Purpose::Session => return Err(Refusal::Origin),
        None => {}
        Some(origin) => {
            let host = only(headers, &HOST).ok().flatten().unwrap_or_default();
            let same = origin
                .strip_prefix("http://")
                .is_some_and(|of| of == host && is_here(of, at));
            if !same {
                return Err(Refusal::Origin);
            }
        }
    }
    match only(headers, &SITE).map_err(|()| Refusal::Site)? {
        None | Some("same-origin") => Ok(()),
        // Typed, or from a terminal or another program.
        Some("none") if purpose == Purpose::File => Ok(()),
        // A link on another site, to the page as a whole: it gives nothing away, and asks for itself.
        Some(_) if purpose == Purpose::File && only(headers, &MODE) == Ok(Some("navigate")) => Ok(()),
        Some(_) => Err(Refusal::Site),
    }
}

/// Does whoever asks know the token, or have a session?
pub(super) fn known(
    headers: &HeaderMap,
    sessions: &Sessions,
    at: SocketAddr,
    now: Timestamp,
) -> Result<(), Refusal> {
    let bearer = only(headers, &AUTHORIZATION).map_err(|()| Refusal::Stranger)?;
    if let Some(bearer) = bearer {
        let token = bearer.strip_prefix("Bearer ").ok_or(Refusal::Stranger)?;
        return if sessions.is_token(token) {
            Ok(())
        } else {
            Err(Refusal::Stranger)
        };
    }
    let name = cookie_name(at);
    let cookies = only(headers, &COOKIE).ok().flatten().unwrap_or_default();
    let cookie = cookies
        .split("; ")
        .find_map(|it| it.strip_prefix(&name)?.strip_prefix('='));
    let key = only(headers, &KEY).ok().flatten();
    match (cookie, key) {
        (Some(cookie), Some(key)) if sessions.knows(cookie, key, now) => Ok(()),
        _ => Err(Refusal::Stranger),
    }
}

/// Cookies are of a host, not of its port: nodes of one machine must not take each other's.
pub(super) fn cookie_name(at: SocketAddr) -> String {
    format!("nonos-{}", at.port())
}

/// Reading, and nothing else?
pub(super) fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use zeroize::Zeroizing;

    const AT: &str = "127.0.0.1:4780";

    fn at() -> SocketAddr {
        AT.parse().expect("an address")
    }

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        };
        let mut map = HeaderMap::new();
        for (name, value) in all.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    #[test]
    fn only_this_nodes_own_names_are_served() {
        let judge = |all: &[(&str, &str)]| host(&Uri::from_static("/"), &headers(all), at());
        assert_eq!(judge(&[("host", AT)]), Ok(()));
        assert_eq!(judge(&[("host", "localhost:4780")]), Ok(()));
        for bad in [
            "evil.example:4780",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost",
            "localhost:47800",
            "",
            "127.0.0.1:4780 ",
        ] {
            assert_eq!(judge(&[("host", bad)]), Err(Refusal::Host), "{bad}");
        }
        assert_eq!(judge(&[]), Err(Refusal::Host));
        assert_eq!(judge(&[("host", AT), ("host", AT)]), Err(Refusal::Host));
        let absolute = Uri::from_static("http://127.0.0.1:4780/");
        assert_eq!(
            host(&absolute, &headers(&[("host", AT)]), at()),
            Err(Refusal::Target)
        );
    }

    #[test]
    fn other_sites_pages_are_refused() {
        let judge = |purpose, more: &[(&str, &str)]| {
            let all = [&[("host", AT)], more].concat();
            site(&headers(&all), purpose, at())
        };
        let own = "http://127.0.0.1:4780";
        for purpose in [Purpose::File, Purpose::Answer, Purpose::Session] {
            assert_eq!(
                judge(purpose, &[("origin", own), ("sec-fetch-site", "same-origin")]),
                Ok(())
            );
            for bad in [
                "http://evil.example",
                "null",
                "https://127.0.0.1:4780",
                "http://127.0.0.1:4781",
                "http://localhost:4780",
                "http://127.0.0.1:4780.evil.example",
            ] {
                assert_eq!(judge(purpose, &[("origin", bad)]), Err(Refusal::Origin), "{bad}");
            }
            assert_eq!(
                judge(purpose, &[("origin", own), ("origin", own)]),
                Err(Refusal::Origin)
            );
        }
        for bad in ["cross-site", "same-site", "none", "x"] {
            assert_eq!(
                judge(Purpose::Answer, &[("sec-fetch-site", bad)]),
                Err(Refusal::Site),
                "{bad}"
            );
            let session = [("origin", own), ("sec-fetch-site", bad)];
            assert_eq!(judge(Purpose::Session, &session), Err(Refusal::Site), "{bad}");
        }
        // Programs that are no browsers say nothing.
        assert_eq!(judge(Purpose::Answer, &[]), Ok(()));
        assert_eq!(judge(Purpose::Session, &[]), Err(Refusal::Origin));
    }

    #[test]
    fn the_page_can_be_gone_to_from_anywhere_but_not_taken_in() {
        let judge = |more: &[(&str, &str)]| site(&headers(more), Purpose::File, at());
        assert_eq!(
            judge(&[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")]),
            Ok(())
        );
        assert_eq!(
            judge(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]),
            Ok(())
        );
        assert_eq!(
            judge(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]),
            Err(Refusal::Site)
        );
        assert_eq!(judge(&[("sec-fetch-site", "same-site")]), Err(Refusal::Site));
    }

    #[test]
    fn strangers_are_refused_however_they_put_it() {
        let now = Timestamp::new(1);
        let sessions = Sessions::new(Zeroizing::new("abc".to_owned()));
        let code = super::super::session::code("abc", [1; 16], Timestamp::new(60));
        let opened = sessions.redeem(&code, [[1; 32], [2; 32]], now).expect("fresh");
        let judge = |all: &[(&str, &str)]| known(&headers(all), &sessions, at(), now);
        let cookie = format!("a=b; nonos-4780={}; c=d", *opened.cookie);
        assert_eq!(judge(&[("authorization", "Bearer abc")]), Ok(()));
        assert_eq!(
            judge(&[("cookie", &cookie), ("x-nonos-key", &opened.key)]),
            Ok(())
        );
        let other_port = cookie.replace("4780", "4781");
        for bad in [
            &[][..],
            &[("authorization", "Bearer abd")],
            &[("authorization", "Bearer ")],
            &[("authorization", "abc")],
            &[("authorization", "Basic abc")],
            &[("authorization", "Bearer abc"), ("authorization", "Bearer abc")],
            &[("cookie", &cookie)],
            &[("x-nonos-key", &opened.key)],
            &[("cookie", &cookie), ("x-nonos-key", "abc")],
            &[("cookie", &other_port), ("x-nonos-key", &opened.key)],
            // A wrong token is not made good by a session.
            &[
                ("authorization", "Bearer x"),
                ("cookie", &cookie),
                ("x-nonos-key", &opened.key),
            ],
        ] {
            assert_eq!(judge(bad), Err(Refusal::Stranger), "{bad:?}");
        }
    }

    #[test]
    fn every_refusal_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = Refusal::NAMES.into_iter().collect();
        assert_eq!(names.len(), Refusal::NAMES.len());
        assert_eq!(Refusal::Busy.name(), "busy");
        assert_eq!(Refusal::Link(Stale::Used).name(), "link");
    }
}
