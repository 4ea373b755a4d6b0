//! Takes another configuration while it runs.

use std::collections::BTreeSet;

use super::{Effect, Engine, Error, Reply};
use crate::{
    Config,
    api::{ConfigView, Reloaded, RequestError},
    config::When,
};

impl Engine {
    /// The file was read again: what can change changes, the rest is named. One that is wrong changes nothing.
    pub(super) fn reload(&mut self, read: Result<Box<Config>, String>, reply: Reply) -> Result<(), Error> {
        let answer = match read {
            Ok(new) => Ok(self.reconfigure(*new)?),
            Err(reason) => {
                tracing::warn!(%reason, "config.toml is not taken: the node goes on as it was set");
                let message = format!("the node goes on as it was set: {reason}");
                self.configured.refused = Some(reason);
                Err(RequestError {
                    message,
                    fault: "caller".to_owned(),
                })
            }
        };
        let _gone = reply.send(answer.and_then(|it| super::json(&it)));
        Ok(())
    }

    fn reconfigure(&mut self, mut new: Config) -> Result<Reloaded, Error> {
        new.keep_overridden(&self.config);
        let changes = self.config.changes(&new);
        let of = |when: When| {
            let those = changes.iter().filter(|(_, it)| *it == when);
            those.map(|(key, _)| (*key).to_owned()).collect::<Vec<String>>()
        };
        let (applied, restart) = (of(When::Now), of(When::Restart));
        let had: BTreeSet<String> = self.config.peers.iter().cloned().collect();
        let pins = self.config.pins();
        self.config.take_over(&new);
        if !applied.is_empty() {
            self.effects
                .push(Effect::Configure(Box::new(self.config.clone())));
        }
        for address in self.config.peers.iter().filter(|it| !had.contains(*it)) {
            if let Ok(address) = address.parse() {
                self.effects.push(Effect::Keep { address });
            }
        }
        if self.config.pins() != pins {
            self.take_roles()?;
            self.describe()?;
        }
        // Limits may be reached now, or no longer be; and what was too large or too cheap may be neither.
        self.reckon()?;
        self.consider_all()?;
        tracing::info!(?applied, ?restart, "config.toml was read again");
        self.configured = ConfigView {
            reloaded: Some(self.now.time),
            refused: None,
            restart: restart.clone(),
        };
        Ok(Reloaded { applied, restart })
    }
}
