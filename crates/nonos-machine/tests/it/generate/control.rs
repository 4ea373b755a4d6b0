//! Blocks, branches and calls.

use super::{FUNCTIONS, GROUPS, I32, I64, Type, Writer, list};

impl Writer {
    pub(super) fn group(&mut self) -> &'static [Type] {
        GROUPS[self.random.below(GROUPS.len())]
    }

    pub(super) fn label(&mut self) -> Option<(usize, &'static [Type])> {
        let depth = self.random.below(self.labels.len());
        let types = self.labels[self.labels.len() - 1 - depth]?;
        Some((depth, types))
    }

    /// Code that leaves a value of each type.
    pub(super) fn values(&mut self, types: &[Type], depth: usize) {
        for ty in types {
            self.value(*ty, depth);
        }
    }

    /// Code that makes one value of what is on the stack.
    pub(super) fn take(&mut self, types: &[Type], ty: Type, depth: usize) {
        let Some((first, others)) = types.split_first() else {
            return self.value(ty, depth);
        };
        self.consume(others);
        match (first, ty) {
            (I32, I64) => self.put("i64.extend_i32_s"),
            (I64, I32) => self.put("i32.wrap_i64"),
            _ => {}
        }
    }

    /// Code that takes values from the stack, the last first.
    fn consume(&mut self, types: &[Type]) {
        for ty in types.iter().rev() {
            if self.random.below(3) == 0 {
                self.put("drop");
            } else {
                let local = self.local(*ty);
                self.put(&format!("local.set {local}"));
            }
        }
    }

    /// Parameters of a block with `results`, and whether they are left on the stack as the first results.
    fn parameters(&mut self, results: &'static [Type]) -> (&'static [Type], bool) {
        match self.random.below(if self.rich { 3 } else { 1 }) {
            0 => (&[], false),
            1 => (&results[..self.random.below(results.len() + 1)], true),
            _ => (self.group(), false),
        }
    }

    /// The inside of a block or arm.
    fn inside(&mut self, (params, kept): (&[Type], bool), results: &[Type], depth: usize) {
        if kept {
            self.statements(depth);
            self.values(&results[params.len()..], depth);
        } else {
            self.consume(params);
            self.statements(depth);
            self.values(results, depth);
        }
    }

    /// A block that leaves `results`.
    pub(super) fn block(&mut self, results: &'static [Type], depth: usize) {
        let parameters = self.parameters(results);
        self.values(parameters.0, depth);
        self.put(&format!(
            "block (param{}) (result{})",
            list(parameters.0),
            list(results)
        ));
        self.labels.push(Some(results));
        self.inside(parameters, results, depth);
        self.value(I32, depth);
        self.put("br_if 0");
        if self.random.below(2) == 0 {
            // Something below the values that are branched with.
            self.value(I64, depth);
            self.values(results, depth);
            self.value(I32, depth);
            self.put("br_if 0");
            self.consume(results);
            self.put("drop");
        }
        if self.random.below(4) == 0 {
            self.branch(depth);
            self.put("local.get 0 if unreachable else i64.const 3 local.set 1 end");
        }
        self.labels.pop();
        self.put("end");
    }

    /// An `if` that leaves `results`.
    pub(super) fn choice(&mut self, results: &'static [Type], depth: usize) {
        let parameters = self.parameters(results);
        self.values(parameters.0, depth);
        self.value(I32, depth);
        self.put(&format!(
            "if (param{}) (result{})",
            list(parameters.0),
            list(results)
        ));
        self.labels.push(Some(results));
        self.inside(parameters, results, depth);
        if parameters.0 != results || self.random.below(2) == 0 {
            self.put("else");
            self.inside(parameters, results, depth);
        }
        self.labels.pop();
        self.put("end");
    }

    /// A loop of a few rounds, which takes and leaves `carried`.
    pub(super) fn counted_loop(&mut self, carried: &'static [Type], depth: usize) {
        if self.loops == 2 {
            return self.values(carried, depth);
        }
        let counter = 6 + self.loops;
        self.loops += 1;
        let rounds = 1 + self.random.below(4);
        self.values(carried, depth);
        let types = list(carried);
        self.put(&format!(
            "i32.const {rounds} local.set {counter} loop (param{types}) (result{types})"
        ));
        self.labels.push(None);
        self.consume(carried);
        self.statements(depth);
        let count = format!("local.get {counter} i32.const 1 i32.sub local.tee {counter}");
        match self.random.below(3) {
            0 => {
                self.put(&format!("{count} i32.const 0 i32.gt_s if"));
                self.labels.push(Some(&[]));
                self.statements(depth);
                self.values(carried, depth);
                self.labels.pop();
                self.put("br 1 end");
                self.values(carried, depth);
            }
            1 => {
                self.values(carried, depth);
                self.put(&format!("{count} br_if 0"));
            }
            _ => {
                self.put(&format!("block (result{types})"));
                self.labels.push(Some(carried));
                self.values(carried, depth);
                self.labels.pop();
                // The counter is 0 in the last round.
                self.put(&format!("{count} br_table 0 1 1 1 end"));
            }
        }
        self.labels.pop();
        self.put("end");
        self.loops -= 1;
    }

    /// Leaves to an open block, by `br` or `br_table`.
    pub(super) fn branch(&mut self, depth: usize) {
        let Some((target, types)) = self.label() else {
            return self.leave(depth);
        };
        self.values(types, depth);
        let carries = types.len() > 1 && !self.rich;
        if carries || self.random.below(2) == 0 {
            return self.put(&format!("br {target}"));
        }
        let alike: Vec<usize> = (0..self.labels.len())
            .filter(|depth| self.labels[self.labels.len() - 1 - depth] == Some(types))
            .collect();
        self.value(I32, depth);
        if self.random.below(2) == 0 {
            self.put("i32.const 7 i32.and");
        }
        let targets: String = (0..=self.random.below(8))
            .map(|_| format!(" {}", alike[self.random.below(alike.len())]))
            .collect();
        self.put(&format!("br_table{targets}"));
    }

    /// Leaves the function, by `return` or a tail call.
    pub(super) fn leave(&mut self, depth: usize) {
        let results = FUNCTIONS[self.function];
        let alike: Vec<usize> = (0..self.function)
            .filter(|callee| FUNCTIONS[*callee] == results)
            .collect();
        if alike.is_empty() || self.random.below(2) == 0 {
            self.values(results, depth);
            return self.put("return");
        }
        let callee = alike[self.random.below(alike.len())];
        self.arguments(depth);
        self.call("return_call", callee);
    }

    /// What every function takes.
    pub(super) fn arguments(&mut self, depth: usize) {
        self.value(I32, depth);
        self.value(I64, depth);
    }

    /// Calls a function, perhaps through the table, rarely through a wrong entry of it.
    pub(super) fn call(&mut self, call: &str, callee: usize) {
        if self.random.below(2) == 0 {
            return self.put(&format!("{call} $f{callee}"));
        }
        let index = match self.random.below(60) {
            // Null, beyond the end, another one: of another type, perhaps.
            0 => 0,
            1 => 9,
            2 => 1 + self.random.below(self.function),
            _ => callee + 1,
        };
        self.put(&format!("i32.const {index}"));
        if self.random.below(2) == 0 {
            self.put("global.get $a i32.const 0 i32.and i32.add");
        }
        let results = list(FUNCTIONS[callee]);
        self.put(&format!("{call}_indirect (param i32 i64) (result{results})"));
    }
}
