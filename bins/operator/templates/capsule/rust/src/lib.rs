//! @NAME@: the input in capital letters.
#![cfg_attr(target_arch = "wasm32", no_std)]

use nonos_guest::{input, result};

fn run() {
    let mut out = result();
    for byte in input() {
        out.write(&[byte.to_ascii_uppercase()]);
    }
}

nonos_guest::entry!(run);

#[cfg(test)]
mod tests {
    use super::run;
    use nonos_guest::mock::{self, Inputs};

    #[test]
    fn it_is_in_capital_letters() {
        let inputs = Inputs { input: b"hello, mesh\n", ..Inputs::default() };
        assert_eq!(mock::run(&inputs, run).result, b"HELLO, MESH\n");
    }
}
