//! Which part of a module each instruction of a program comes from: for profiles. It is no part of what a proof means.

/// Where an instruction comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Of no function: it calls the start function and the entry, gives results, or ends the run.
    #[default]
    Entry,
    /// An operator of a function of the module.
    Operator {
        /// Function index, imported functions counted.
        function: u32,
        /// Its number in the body, from 0.
        operator: u32,
    },
    /// What makes a host call for those who have a reference to it.
    Import {
        /// Function index of the import.
        function: u32,
    },
    /// What does an operator on many bytes or entries, for all functions.
    Routine {
        /// The operator's wasm name.
        operator: &'static str,
    },
}

/// Fuel that an instruction carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The instruction.
    pub pc: u32,
    /// What it is charged for: of a metered block, its first operator.
    pub place: Origin,
    /// How much.
    pub cost: u32,
    /// Whether it is the charge of a metered block.
    pub block: bool,
}

/// Where the instructions of a program come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// By place in the code.
    pub places: Vec<Origin>,
    /// What is charged, by ascending `pc`. An instruction can carry several charges; one of more than 255 is carried by
    /// those before it, too.
    pub charges: Vec<Charge>,
}
