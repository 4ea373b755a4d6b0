#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| nonos_fuzz_checks::manifest::check(bytes));
