//! What of a configuration can change while the node runs, and what takes effect at its next start.

use super::Config;

/// When a changed setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At once.
    Now,
    /// At the next start.
    Restart,
}

/// Settings that the command line or the environment has made, in the place of the file's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overridden {
    /// Where it listens.
    pub listen: bool,
    /// Whom it stays connected to.
    pub peers: bool,
    /// Where its page is.
    pub http: bool,
}

/// Makes of a list of keys, with when each takes effect: those that differ, and one's live ones taken over from another.
macro_rules! keys {
    ($($when:ident $path:literal $($field:ident).+;)*) => {
        /// All keys, and when each takes effect.
        #[cfg(test)]
        const KEYS: &[(&str, When)] = &[$(($path, When::$when)),*];

        impl Config {
            /// The keys that another configuration has otherwise, and when each takes effect.
            pub(crate) fn changes(&self, new: &Self) -> Vec<(&'static str, When)> {
                let mut changes = Vec::new();
                $(if self.$($field).+ != new.$($field).+ {
                    changes.push(($path, When::$when));
                })*
                changes
            }

            /// Takes over from another one what can change while the node runs.
            pub(crate) fn take_over(&mut self, new: &Self) {
                $(keys!(@take $when self new $($field).+);)*
            }
        }
    };
    (@take Now $self:ident $new:ident $($field:ident).+) => {
        $self.$($field).+.clone_from(&$new.$($field).+);
    };
    (@take Restart $self:ident $new:ident $($field:ident).+) => {};
}

keys! {
    Restart "network" network;
    Restart "listen" listen;
    Now "peers" peers;
    Now "award_timeout_s" award_timeout_s;
    Restart "probe" probe;
    Restart "brake_peers" brake_peers;
    Restart "mesh.shards" mesh.shards;
    Restart "directory.most" directory.most;
    Restart "directory.stamp_bits" directory.stamp_bits;
    Restart "directory.of_prefix" directory.of_prefix;
    Restart "directory.lan" directory.lan;
    Restart "onion.policy" onion.policy;
    Restart "onion.cover" onion.cover;
    Restart "onion.hops" onion.hops;
    Restart "onion.delay_ms" onion.delay_ms;
    Restart "onion.min_age_s" onion.min_age_s;
    Restart "onion.family" onion.family;
    Now "roles.seeder" roles.seeder;
    Now "roles.executor" roles.executor;
    Now "roles.verifier" roles.verifier;
    Now "roles.broadcaster" roles.broadcaster;
    Restart "limits.cpu" limits.cpu;
    Now "limits.memory" limits.memory;
    Now "limits.disk" limits.disk;
    Restart "limits.upload_kbit_s" limits.upload_kbit_s;
    Now "limits.monthly" limits.monthly;
    Now "limits.quiet_hours" limits.quiet_hours;
    Restart "executor.enabled" executor.enabled;
    Now "executor.min_fuel_price" executor.min_fuel_price;
    Now "executor.max_fuel" executor.max_fuel;
    Now "executor.max_pages" executor.max_pages;
    Now "executor.max_input" executor.max_input;
    Now "executor.share_segments" executor.share_segments;
    Now "executor.segment_price" executor.segment_price;
    Now "executor.segment_fee" executor.segment_fee;
    Now "executor.segment_credit" executor.segment_credit;
    Now "credit.base" credit.base;
    Now "credit.most_owed" credit.most_owed;
    Now "proving.backend" proving.backend;
    Now "proving.purpose" proving.purpose;
    Now "proving.profile" proving.profile;
    Restart "sandbox.mode" sandbox.mode;
    Restart "sandbox.worker" sandbox.worker;
    Restart "verifier.threads" verifier.threads;
    Restart "verifier.queue" verifier.queue;
    Restart "settlement.anchor" settlement.anchor;
    Restart "settlement.limit" settlement.limit;
    Restart "settlement.witnesses" settlement.witnesses;
    Restart "settlement.threshold" settlement.threshold;
    Restart "settlement.witness_for" settlement.witness_for;
    Restart "settlement.evm" settlement.evm;
    Restart "http.listen" http.listen;
    Restart "http.metrics" http.metrics;
}

impl Config {
    /// Leaves what the command line or the environment has set as it is in another one, whatever the file says.
    pub(crate) fn keep_overridden(&mut self, running: &Self) {
        self.overridden = running.overridden;
        if self.overridden.listen {
            self.listen.clone_from(&running.listen);
        }
        if self.overridden.peers {
            self.peers.clone_from(&running.peers);
        }
        if self.overridden.http {
            self.http.listen = running.http.listen;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn of_every_key_it_is_known_when_it_takes_effect() {
        let listed: BTreeSet<String> = KEYS.iter().map(|(path, _)| (*path).to_owned()).collect();
        let known = Config::known().into_iter().map(|it| match it.table {
            // As a whole.
            "settlement.evm" => it.table.to_owned(),
            _ => it.path(),
        });
        assert_eq!(listed, known.collect());
    }

    #[test]
    fn each_key_that_differs_is_named_and_taken_over_if_it_can_be() {
        for known in Config::known()
            .iter()
            .filter(|it| !it.is_default && it.table != "settlement.evm")
        {
            let path = known.path();
            let text = Config::default_text_with(&[(known.table, known.name, known.sample.to_owned())]);
            let new = Config::parse(&text).expect("a sample");
            let mut running = Config::default();
            let changes = running.changes(&new);
            assert_eq!(changes.len(), 1, "{path}: {changes:?}");
            assert_eq!(changes[0].0, path);
            running.take_over(&new);
            let left = running.changes(&new);
            assert_eq!(left.is_empty(), changes[0].1 == When::Now, "{path}");
        }
    }

    /// Keys that a table of the manual names: those in backquotes, or all of a row.
    fn named(rows: &str) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        for row in rows.lines().filter(|it| it.starts_with("| ")) {
            let (tables, names) = row.trim_matches('|').split_once('|').expect("two cells");
            for (path, _) in KEYS {
                let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
                let is_there = match table {
                    "" => tables.trim().is_empty(),
                    table => tables.contains(&format!("[{table}]")),
                };
                let quoted = |it: &str| names.contains(&format!("`{it}`"));
                if is_there && (names.trim_start().starts_with("all") || quoted(name) || quoted(path)) {
                    found.insert(*path);
                }
            }
        }
        found
    }

    #[test]
    fn the_manual_says_which_take_effect_when() {
        let manual = include_str!("../../../../docs/operating.md");
        let (_, section) = manual
            .split_once("## Change the configuration")
            .expect("a section");
        let (section, _) = section.split_once("\n## ").expect("another section");
        let (at_once, later) = section.split_once("and these at the next start").expect("both");
        let of = |when: When| {
            KEYS.iter()
                .filter(|(_, it)| *it == when)
                .map(|(path, _)| *path)
                .collect()
        };
        assert_eq!((named(at_once), named(later)), (of(When::Now), of(When::Restart)));
    }
}
