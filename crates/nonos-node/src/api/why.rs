use serde::{Deserialize, Serialize};

/// What keeps something from being done, as far as this node knows: the most important first. Other nodes may have reasons of
/// their own, which they tell nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyNot {
    /// What was asked about.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// Nothing, if all is as it should be.
    pub findings: Vec<Finding>,
}

/// What a name of 64 digits stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Subject {
    /// A job: why is it not run, or not paid?
    Job,
    /// A node: why is it not connected, or gets no jobs?
    Peer,
    /// A capsule: why is it not here, or not run?
    Capsule,
}

/// One thing that stands in the way, or that is being waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// For programs.
    pub code: String,
    /// For people.
    pub text: String,
    /// What could be done about it; nothing, where time alone helps.
    pub remedy: Option<String>,
}

impl Finding {
    /// Something that nothing can, or need, be done about.
    pub(crate) fn new(code: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            text: text.into(),
            remedy: None,
        }
    }

    /// And what could be done.
    pub(crate) fn or(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
