//! Answers to requests.

use std::collections::BTreeMap;

use nonos_types::{JobId, NodeId, Signed};
use serde::Serialize;

use super::{
    Effect, Engine, Error, PROVE_MS, Reply, VERIFY_MS,
    effect::{Answer, Files},
    job::{Job, Mine, Seat},
};
use crate::api::{
    Books, Done, EventPage, EvidenceView, JobList, JobState, JobView, PeerView, ReceiptView, Request,
    RequestError, Sealing, SlotView, Status, TrustPoint, TrustView, Verified,
};

/// Events in one answer.
const EVENTS: usize = 1000;

impl Engine {
    pub(super) fn request(&mut self, request: Request, reply: Reply) -> Result<(), Error> {
        let answer = match request {
            Request::Submit(submission) => {
                return self.submit(submission, reply);
            }
            Request::Publish {
                package_hex,
                without_dependencies,
            } => {
                let publish = Answer::Publish {
                    package_hex,
                    without_dependencies,
                };
                return self.complete(publish, reply);
            }
            Request::Messages { capsule, after } => {
                let page = self.messages(capsule, after)?;
                return self.complete(page, reply);
            }
            Request::Message { receipt } => match self.message_of(receipt)? {
                Ok(source) => return self.complete(Answer::Message(source), reply),
                Err(error) => Err(error),
            },
            Request::Status => {
                let status = Box::new(self.status()?);
                return self.complete(Answer::Status(status), reply);
            }
            Request::Peers => {
                let peers = self.peers()?;
                return self.complete(Answer::Peers(peers), reply);
            }
            Request::Invite => self.invite(),
            Request::Join { invitation } => self.join(&invitation)?,
            Request::Jobs => {
                let mut jobs = Vec::new();
                for (id, job) in &self.jobs {
                    jobs.push(self.job_view(*id, job)?);
                }
                jobs.sort_by_key(|(view, _)| std::cmp::Reverse(view.created));
                return self.complete(Answer::Jobs(jobs), reply);
            }
            Request::RecentJobs { most } => json(&self.recent_jobs(most.into())?),
            Request::Capsules => return self.complete(Answer::Capsules, reply),
            Request::Job { job: id } => match self.jobs.get(&id) {
                Some(job) => {
                    let (view, files) = self.job_view(id, job)?;
                    return self.complete(Answer::Job(Box::new(view), Box::new(files)), reply);
                }
                None => unknown(&format!("no job {id} is known here")),
            },
            Request::Cancel { job } => match self.cancel(job)? {
                Ok(done) => json(&done),
                Err(error) => Err(error),
            },
            Request::Ledger => json(&self.books()?),
            Request::VerifyLedger => match self.ledger.verify() {
                Ok(report) => json(&Verified {
                    entries: report.entries,
                    head: report.head.to_string(),
                }),
                Err(error) => Err(RequestError::new(&error, error.fault())),
            },
            Request::ResumeBooks {
                confirmed,
                accept_fork_risk,
            } => match self.resume_books(confirmed, accept_fork_risk)? {
                Ok(resumption) => json(&resumption),
                Err(error) => Err(error),
            },
            Request::Trust => json(&self.trust_views()?),
            Request::Explain { node } => {
                let mut points: Vec<TrustPoint> = (self.trust.explain(node)?.iter())
                    .map(|point| TrustPoint {
                        at: point.at,
                        context: name(&point.context),
                        good: point.deed == nonos_trust::Deed::Good,
                        cause: cause(&point.cause),
                    })
                    .collect();
                points.extend(self.acts_view(node)?);
                points.sort_by_key(|point| point.at);
                json(&points)
            }
            Request::Evidence { evidence } => match self.trust.evidence(evidence)? {
                Some(accusation) => {
                    let shown = accusation.evidence.item();
                    let capsule = shown.map(|it| it.receipt.record.proven.capsule);
                    let view = EvidenceView {
                        evidence,
                        subject: accusation.evidence.subject(),
                        accusation_hex: hex::encode(accusation.to_bytes()),
                        package_hex: None,
                    };
                    return self.complete(Answer::Evidence { view, capsule }, reply);
                }
                None => unknown(&format!("no evidence {evidence} is known here")),
            },
            Request::Block { node, reason, for_s } => match self.block(node, &reason, for_s)? {
                Ok(done) => json(&done),
                Err(error) => Err(error),
            },
            Request::Unblock { node } => {
                self.trust.unblock(node, self.now.time)?;
                self.let_in(node);
                json(&Done {})
            }
            Request::Avoid { peers } => {
                self.avoid(peers.into_iter().collect())?;
                json(&Done {})
            }
            Request::Roles => json(&self.role_views()),
            Request::WhyNot { about } => match self.why_not_about(&about)? {
                Ok(Ok(why)) => json(&why),
                Ok(Err(of_capsule)) => return self.complete(of_capsule, reply),
                Err(error) => Err(error),
            },
            Request::Reload => return self.complete(Answer::Reload, reply),
            Request::Profile => json(&self.about.profile),
            Request::Events { after } => json(&self.event_page(after)),
            Request::ExportBundle { path, replace } => {
                return self.complete(Answer::ExportBundle { path, replace }, reply);
            }
            Request::ImportBundle { path } => return self.complete(Answer::ImportBundle { path }, reply),
            Request::ExportReceipt(export) => {
                return self.complete(Answer::ExportReceipt(export), reply);
            }
            Request::Bundle { number } => return self.complete(Answer::Bundle { number }, reply),
            Request::Settle { ask } => return self.complete(Answer::Settle(ask), reply),
            Request::Stop => {
                self.effects.push(Effect::Stop);
                json(&Done {})
            }
        };
        let _gone = reply.send(answer);
        Ok(())
    }

    /// Lets the edge answer.
    fn complete(&mut self, what: Answer, reply: Reply) -> Result<(), Error> {
        self.effects.push(Effect::Answer { what, reply });
        Ok(())
    }

    pub(super) fn status(&self) -> Result<Status, Error> {
        let mut states: BTreeMap<JobState, usize> = BTreeMap::new();
        for job in self.jobs.values() {
            *states.entry(self.state(job)).or_default() += 1;
        }
        let mut blacklisted = Vec::new();
        for (peer, standing) in self.trust.list(self.now.time)? {
            if standing.state == nonos_trust::State::Blacklisted {
                blacklisted.push(peer);
            }
        }
        let mut warnings = Vec::new();
        if self.connected.is_empty() {
            warnings.push("no peer is connected: jobs wait until one is".to_owned());
        }
        if self.crowded {
            warnings.push(
                "nodes with private addresses are left out, since too many are in one place: if all are in one house, set \
                 `lan = true` under [directory] in config.toml"
                    .to_owned(),
            );
        }
        for reached in self.limits_view().reached {
            warnings.push(format!(
                "{reached} of config.toml is reached: `operator roles explain` says what is not done for it"
            ));
        }
        if let Some(refused) = &self.configured.refused {
            warnings.push(format!(
                "config.toml was not taken, the node goes on as it was set: {refused}"
            ));
        }
        if self.is_superseded() {
            warnings.push(
                "this node's books go on elsewhere, in a later incarnation: this one signs nothing any more. Let only one \
                 node use a key; if the other is lost, `operator ledger resume` says what can be done"
                    .to_owned(),
            );
        }
        if self.doubled {
            warnings.push(
                "a message came that was signed with this node's key elsewhere, or its data were lost: it pays, runs \
                 and offers nothing any more. Let only one node use a key; `operator ledger resume` says what it means to \
                 go on with this one"
                    .to_owned(),
            );
        }
        if self.trust.frozen(self.now.time)? {
            warnings.push("too many peers were found guilty at once: blacklisting is frozen".to_owned());
        }
        Ok(Status {
            id: self.me,
            network: self.network,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data_dir: self.about.data_dir.clone(),
            uptime_s: self.now.millis.saturating_sub(self.about.started_ms) / 1000,
            addresses: self.addresses.clone(),
            peers: self.connected.len(),
            roles: self.taken.iter().copied().collect(),
            announced: self.duties.roles.set().iter().collect(),
            limits: self.limits_view(),
            snapshot: self.about.snapshot,
            sandbox: None,
            jobs: states.into_iter().collect(),
            executed: self.counts.executed,
            segments_given: self.counts.segments_given,
            segments_helped: self.counts.segments_helped,
            verified_ok: self.counts.verified_ok,
            verified_bad: self.counts.verified_bad,
            balance: self.ledger.balance()?.net.atto().to_string(),
            blacklisted,
            anonymity: None,
            clock: crate::api::ClockView::default(),
            config: self.configured.clone(),
            dropped: Vec::new(),
            warnings,
        })
    }

    fn peers(&self) -> Result<Vec<PeerView>, Error> {
        let mut ids: Vec<NodeId> = self
            .directory
            .iter()
            .map(Signed::signer)
            .chain(self.connected.keys().copied())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut peers = Vec::new();
        for id in ids.into_iter().filter(|id| *id != self.me) {
            let descriptor = self.directory.get(id);
            peers.push(PeerView {
                id,
                address: None,
                outbound: false,
                roles: descriptor.map(|it| it.roles.iter().collect()).unwrap_or_default(),
                software: descriptor.map(|it| it.software.clone()).unwrap_or_default(),
                state: name(&self.trust.standing(id, self.now.time)?.state),
            });
        }
        Ok(peers)
    }

    pub(super) fn state(&self, job: &Job) -> JobState {
        let proved = job.receipts().next().is_some();
        // One's own is not proved before its result is there.
        let delivered = || job.receipts().any(|id| self.has_result(job, id));
        if proved && job.is_paid() {
            JobState::Paid
        } else if proved && delivered() {
            JobState::Proved
        } else if job.cancelled {
            JobState::Cancelled
        } else if job.offer.deadline <= self.now.time {
            JobState::Expired
        } else if job.mine == Mine::Running {
            JobState::Running
        } else if job.seats.iter().any(|seat| seat.award.is_some()) {
            JobState::Awarded
        } else {
            JobState::Offered
        }
    }

    pub(super) fn job_view(&self, id: JobId, job: &Job) -> Result<(JobView, Files), Error> {
        let offer = &job.offer;
        let good: Vec<_> = job.seats.iter().map(|seat| self.good(job, seat)).collect();
        let receipt = good
            .iter()
            .flatten()
            .find_map(|id| Some((*id, self.receipts.get(id)?)));
        let ms = |table: &nonos_store::Table<_, nonos_types::Timestamp>, id| {
            Ok::<_, Error>(table.get(&*self.store, id)?.map(nonos_types::Timestamp::get))
        };
        let view = match &receipt {
            Some((id, it)) => Some(ReceiptView {
                receipt: *id,
                exec_hash: it.record.exec_hash(),
                executor: it.signer(),
                slot: it.record.proven.slot,
                outcome: it.record.proven.outcome.to_string(),
                fuel: it.record.proven.fuel_used,
                fee: it.fee,
                proof_bytes: it.proof_len.get(),
                prove_ms: ms(&PROVE_MS, id)?,
                verify_ms: ms(&VERIFY_MS, id)?,
                result_hex: None,
                too_long: None,
                outbound_hex: None,
            }),
            None => None,
        };
        let verdicts = receipt.as_ref().and_then(|(id, _)| self.verdicts.get(id));
        let verdicts = verdicts.into_iter().flatten().filter(|(_, valid)| *valid);
        let booked = job.booked.iter().filter_map(|(payer, it)| {
            if *payer == self.me {
                Some(*it)
            } else if it.peer == self.me {
                Some(crate::api::Booked {
                    peer: *payer,
                    paid: false,
                    ..*it
                })
            } else {
                None
            }
        });
        let executor = receipt
            .as_ref()
            .map(|(_, it)| it.signer())
            .or_else(|| job.seats.iter().find_map(Seat::executor));
        let files = Files {
            input: Some(offer.input),
            tapes: receipt.as_ref().map(|(_, it)| (it.tapes, it.tapes_len)),
            sealed: (receipt.as_ref())
                .filter(|_| offer.result_key.is_some() && offer.signer() == self.me)
                .map(|(_, it)| (offer.clone(), (*it).clone())),
        };
        let view = JobView {
            job: id,
            requester: offer.signer(),
            capsule: offer.capsule,
            backend: offer.backend.to_string(),
            max_fee: offer.max_fee,
            created: offer.created,
            deadline: offer.deadline,
            state: self.state(job),
            executor,
            receipt: view,
            slots: (job.slots().zip(good))
                .map(|((slot, seat), receipt)| SlotView {
                    slot,
                    claims: seat.claims.clone(),
                    executor: seat.executor(),
                    receipt,
                })
                .collect(),
            input_hex: None,
            inbound: (offer.inbound.iter())
                .flat_map(|it| it.receipts().iter().copied())
                .collect(),
            verdicts: verdicts.map(|(node, _)| *node).collect(),
            booked: booked.collect(),
            segments: job.segments.clone(),
            refused: job.refused.as_ref().map(|it| it.reason.clone()),
            refused_code: job.refused.as_ref().map(|it| it.code.to_owned()),
            sealing: Sealing {
                input_len: offer.sealed.map(|it| it.len),
                result: offer.result_key.is_some(),
                unopened: Self::why_unopened(job),
            },
            weights: offer.weights.iter().collect(),
            proved_after_ms: job.good_ms.map(|at| at.saturating_sub(job.seen_ms)),
        };
        Ok((view, files))
    }

    fn recent_jobs(&self, most: usize) -> Result<JobList, Error> {
        let mut newest: Vec<_> = self.jobs.iter().collect();
        newest.sort_by_key(|(id, job)| (std::cmp::Reverse(job.offer.created), **id));
        let views = newest.into_iter().take(most);
        let views = views.map(|(id, job)| self.job_view(*id, job).map(|(view, _)| view));
        Ok(JobList {
            total: self.jobs.len(),
            jobs: views.collect::<Result<_, _>>()?,
        })
    }

    fn books(&self) -> Result<Books, Error> {
        let owed = self.ledger.peers()?;
        Ok(Books {
            balance: serde_json::to_value(self.ledger.balance()?).expect("plain data"),
            owed_by: (owed.into_iter())
                .map(|(peer, amount)| (peer, amount.atto().to_string()))
                .collect(),
        })
    }

    fn trust_views(&self) -> Result<Vec<TrustView>, Error> {
        let convictions = self.trust.convictions()?;
        let mut blocks = std::collections::BTreeMap::new();
        let list = self.trust.list(self.now.time)?;
        for (node, _) in &list {
            if let Some(block) = self.block_view(*node)? {
                blocks.insert(*node, block);
            }
        }
        let views = list.into_iter().map(|(node, standing)| TrustView {
            node,
            block: blocks.remove(&node),
            state: name(&standing.state),
            score_ppm: standing.score.get(),
            contexts: (nonos_trust::Context::ALL.into_iter())
                .map(|context| {
                    let score = standing.of(context);
                    (name(&context), score.score.get(), score.lower_bound.get())
                })
                .collect(),
            evidence: (convictions.iter())
                .filter(|(peer, _)| *peer == node)
                .map(|(_, evidence)| *evidence)
                .collect(),
        });
        Ok(views.collect())
    }

    fn event_page(&self, after: u64) -> EventPage {
        let events: Vec<_> = (self.events.iter())
            .filter(|event| event.number > after)
            .take(EVENTS)
            .cloned()
            .collect();
        EventPage {
            next: events.last().map_or(after, |event| event.number),
            events,
        }
    }
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, RequestError> {
    Ok(serde_json::to_value(value).expect("plain data with string keys"))
}

fn unknown(message: &str) -> Result<serde_json::Value, RequestError> {
    Err(RequestError {
        message: message.to_owned(),
        fault: "caller".to_owned(),
    })
}

/// A name as JSON has it.
fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => format!("{other:?}"),
    }
}

fn cause(cause: &nonos_trust::Cause) -> String {
    use nonos_trust::Cause;
    match cause {
        Cause::Receipt(id) => format!("receipt {id}"),
        Cause::Job(id) => format!("job {id}"),
        Cause::Message(id) => format!("message {id}"),
        Cause::Capsule(id) => format!("capsule {id}"),
        Cause::Evidence(id) => format!("evidence {id}"),
        Cause::Segment(id) => format!("segment task {id}"),
        Cause::Challenge(id) => format!("storage challenge {id}"),
        _ => "something of a newer version".to_owned(),
    }
}
