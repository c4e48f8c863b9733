#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| oz::fuzz::import::run(data));
