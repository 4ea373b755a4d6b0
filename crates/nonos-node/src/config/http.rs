use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use serde::Deserialize;

/// Where the page, its API and the metrics are served. Never but to this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where, if at all.
    pub listen: HttpListen,
    /// Who may read the metrics.
    pub metrics: MetricsAccess,
}

impl Http {
    /// The port that is taken, if it is free.
    pub const PORT: u16 = 4780;
}

/// An address of this machine that others do not reach.
///
/// ```
/// use nonos_node::HttpListen;
///
/// assert_eq!("off".parse(), Ok(HttpListen::Off));
/// assert!("127.0.0.1:4780".parse::<HttpListen>().is_ok());
/// assert!("0.0.0.0:4780".parse::<HttpListen>().is_err(), "others would reach it");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum HttpListen {
    /// [`Http::PORT`] of 127.0.0.1, or another port if somebody has that.
    #[default]
    Auto,
    /// Here; with port 0, at a port that the system chooses.
    At(SocketAddr),
    /// Nowhere.
    Off,
}

impl HttpListen {
    /// Addresses to try, in this order.
    pub(crate) fn candidates(self) -> Vec<SocketAddr> {
        let here = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        match self {
            Self::Auto => vec![here(Http::PORT), here(0)],
            Self::At(address) => vec![address],
            Self::Off => vec![],
        }
    }
}

/// Why a text says nowhere to listen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpListenError {
    /// Others would reach it.
    #[error(
        "`{0}` is no loopback address: the page is served to this machine alone, on 127.0.0.1 or [::1]; from elsewhere, \
         forward the port (ssh -L)"
    )]
    NotLoopback(SocketAddr),
    /// It cannot be read.
    #[error("`{0}` is neither `auto`, nor `off`, nor an address and port such as 127.0.0.1:4780")]
    Unreadable(String),
}

impl FromStr for HttpListen {
    type Err = HttpListenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => {
                let address: SocketAddr = text
                    .parse()
                    .map_err(|_| HttpListenError::Unreadable(text.to_owned()))?;
                if address.ip().is_loopback() {
                    Ok(Self::At(address))
                } else {
                    Err(HttpListenError::NotLoopback(address))
                }
            }
        }
    }
}

impl TryFrom<String> for HttpListen {
    type Error = HttpListenError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for HttpListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::At(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsAccess {
    /// Who has the token of `run/http-token`.
    #[default]
    Token,
    /// Every program of this machine.
    Open,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn only_loopback_is_listened_on() {
        for text in [
            "0.0.0.0:4780",
            "192.0.2.7:80",
            "[::]:4780",
            "[2001:db8::1]:80",
            "10.0.0.1:0",
        ] {
            let address = text.parse().expect("an address");
            let refused = text.parse::<HttpListen>();
            assert_eq!(refused, Err(HttpListenError::NotLoopback(address)), "{text}");
        }
        for text in ["127.0.0.1", "localhost:4780", "on", "", "127.0.0.1:70000"] {
            let refused = text.parse::<HttpListen>();
            assert_eq!(
                refused,
                Err(HttpListenError::Unreadable(text.to_owned())),
                "{text}"
            );
        }
        for text in ["auto", "off", "127.0.0.1:0", "127.0.0.5:80", "[::1]:4780"] {
            assert_eq!(
                text.parse::<HttpListen>().map(|it| it.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn the_file_says_where_and_for_whom_and_its_mistakes_have_a_line() {
        let config =
            Config::parse("[http]\nlisten = \"127.0.0.1:0\"\nmetrics = \"open\"\n").expect("a configuration");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:0");
        assert_eq!(config.http.metrics, MetricsAccess::Open);
        assert_eq!(Config::default().http.listen.candidates()[0].port(), Http::PORT);
        let error = Config::parse("[http]\nlisten = \"0.0.0.0:80\"\n").expect_err("not loopback");
        assert_eq!((error.line, error.column), (2, 10));
        assert!(error.message.contains("no loopback address"), "{error}");
        let off = Config::parse("[http]\nlisten = \"off\"\n").expect("a configuration");
        assert_eq!(off.http.listen.candidates(), []);
    }
}
