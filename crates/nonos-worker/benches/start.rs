//! What a process of its own costs a run: `cargo bench -p nonos-worker`.
#![expect(clippy::disallowed_methods, reason = "measures time")]
#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::{Duration, Instant};

use nonos_benches::Row;
use nonos_capsule::Inputs;
use nonos_package::Policy;
use nonos_worker::{Error, Job, Worker, serve_if_asked};

const ROUNDS: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    serve_if_asked();
    let module = wat::parse_str(r#"(module (func (export "main") (result i32) i32.const 7))"#)?;
    let policy = Policy::for_module("main");
    let mut inputs = Inputs::default();
    let worker = Worker::this_program();
    println!("protection: {}", worker.check()?);
    figure("start, give up, say so, end", || worker.check().map(drop))?;
    for bytes in [0, 1 << 20] {
        inputs.input = vec![7; bytes];
        let job = Job {
            module: &module,
            policy: &policy,
            arguments: &[],
            inputs: &inputs,
        };
        println!("a tiny run, {bytes} bytes of input:");
        let of = |place: &str| format!("a tiny run, {bytes} bytes of input, {place}");
        figure(&of("in this process"), || Ok(job.run_here().map(drop)?))?;
        figure(&of("in a process of its own"), || worker.run(&job).map(drop))?;
    }
    Ok(())
}

fn figure(what: &str, work: impl Fn() -> Result<(), Error>) -> Result<(), Box<dyn std::error::Error>> {
    work()?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed());
    }
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, most) = (times[ROUNDS / 2], times[ROUNDS * 95 / 100]);
    println!(
        "  {what:<28} median {:>7.3} ms, 95 % {:>7.3} ms",
        ms(median),
        ms(most)
    );
    let row = Row::of("worker").text("what", what);
    row.number("median_ms", ms(median))
        .number("most_ms", ms(most))
        .leave()?;
    Ok(())
}
