//! What a metered module exports to the host.

use nonos_package::instructions::Module as Checked;
use wasm_encoder::{ExportKind, ExportSection};

use super::layout::Layout;

/// The names under which the host finds the parts of a metered module.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Of the global `fuel`.
    pub(crate) fuel: String,
    /// Of the memory.
    pub(crate) memory: Option<String>,
    /// Of the module's own globals, by index.
    pub(crate) globals: Vec<String>,
    /// Of the tables, by index.
    pub(crate) tables: Vec<String>,
    /// Of the functions that a reference can name, with their index in the original module.
    pub(crate) functions: Vec<(u32, String)>,
    /// Of the start function.
    pub(crate) start: Option<String>,
}

impl Names {
    pub(super) fn new(layout: &Layout<'_>, checked: &Checked) -> Self {
        // A prefix of no exported name.
        let mut prefix = String::from("nonos:");
        while layout.exported.iter().any(|(name, ..)| name.starts_with(&prefix)) {
            prefix.push(':');
        }
        let name = |what: &str| format!("{prefix}{what}");
        let numbered = |what: &str, count| (0..count).map(|index| format!("{prefix}{what}{index}")).collect();
        let functions = layout.functions.referenced.iter();
        Self {
            fuel: name("fuel"),
            memory: layout.memory.then(|| name("memory")),
            globals: numbered("global", layout.global_types.len()),
            tables: numbered("table", layout.tables.len()),
            functions: functions
                .map(|function| (*function, format!("{prefix}function{function}")))
                .collect(),
            start: checked
                .start
                .map(|function| format!("{prefix}function{function}")),
        }
    }

    pub(super) fn export(&self, section: &mut ExportSection, layout: &Layout<'_>) {
        section.export(&self.fuel, ExportKind::Global, layout.global_types.len() as u32);
        if let Some(name) = &self.memory {
            section.export(name, ExportKind::Memory, 0);
        }
        for (index, name) in (0..).zip(&self.globals) {
            section.export(name, ExportKind::Global, index);
        }
        for (index, name) in (0..).zip(&self.tables) {
            section.export(name, ExportKind::Table, index);
        }
        for (function, name) in &self.functions {
            section.export(name, ExportKind::Func, layout.functions.reference(*function));
        }
    }
}
