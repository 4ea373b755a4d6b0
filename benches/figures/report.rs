//! Clock, memory, and tables.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tables are what this program is for"
)]

use nonos_verify_halo2::{REFERENCE_WORK, reference_work};
use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Says something about the measurement, which is not part of its result.
pub(crate) fn speak(what: &str) {
    eprintln!("{what}");
}

/// Writes a figure where the process that started this one reads it.
pub(crate) fn tell(name: &str, value: impl std::fmt::Display) {
    println!("{name} {value}");
}

pub(crate) fn title(what: &str) {
    println!("\n## {what}\n");
}

/// What was measured on.
pub(crate) fn machine() -> Result<()> {
    let field = |path: &str, name: &str| -> Result<String> {
        let text = fs::read_to_string(path)?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or(": unknown");
        Ok(line.trim_start_matches([' ', '\t', ':']).to_owned())
    };
    let kibibytes: u64 = field("/proc/meminfo", "MemTotal")?
        .trim_end_matches(" kB")
        .parse()?;
    let rustc = Command::new("rustc").arg("--version").output()?;
    println!(
        "- {} × {}",
        thread::available_parallelism()?,
        field("/proc/cpuinfo", "model name")?
    );
    println!("- {:.1} GiB of memory", kibibytes as f64 / f64::from(1 << 20));
    println!("- {}", String::from_utf8_lossy(&rustc.stdout).trim());
    let tries = (0..100).map(|_| {
        Ok(timed(|| {
            reference_work();
            Ok(())
        })?
        .1)
    });
    let least = tries
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .min()
        .unwrap_or_default();
    println!(
        "- reference work: {} µs, {} µs in the cost model",
        least.as_micros(),
        REFERENCE_WORK.as_micros()
    );
    println!(
        "- AVX2 code: {}",
        if cfg!(target_feature = "avx2") {
            "yes"
        } else {
            "no"
        }
    );
    load("at the start")
}

/// The machine's load.
pub(crate) fn load(when: &str) -> Result<()> {
    let load = fs::read_to_string("/proc/loadavg")?;
    println!("- load {when}: {}", load.split(' ').next().unwrap_or_default());
    Ok(())
}

/// Peak resident memory of this process so far.
pub(crate) fn peak_mebibytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM: not Linux")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes.div_ceil(1024))
}

/// Processor time of all threads of this process so far.
pub(crate) fn cpu_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may contain anything; user and system time are the 12th and 13th after it.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no such process")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<std::result::Result<u64, std::num::ParseIntError>>()?;
    // Linux counts them in hundredths of a second for every program.
    Ok(Duration::from_millis(10 * ticks))
}

/// A call and its wall time.
#[expect(clippy::disallowed_methods, reason = "measuring")]
pub(crate) fn timed<T>(call: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let value = call()?;
    Ok((value, start.elapsed()))
}

/// Median wall time of a call: at least five calls, and half a second of them.
pub(crate) fn median_time<T>(mut call: impl FnMut() -> Result<T>) -> Result<Duration> {
    let (mut times, mut total) = (vec![], Duration::ZERO);
    while times.len() < 5 || total < Duration::from_millis(500) {
        // What the call returns is dropped outside of the time.
        let (_value, time) = timed(&mut call)?;
        total += time;
        times.push(time);
    }
    Ok(median(times))
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub(crate) fn millis(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    let digits = if ms < 10.0 { 3 } else { 1 };
    format!("{ms:.digits$}")
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A Markdown table, numbers to the right.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([header[column].chars().count()])
            .max()
            .unwrap_or_default()
    };
    let is_number = |column: usize| {
        rows.iter()
            .all(|row| row[column].starts_with(|c: char| c.is_ascii_digit() || c == '–'))
    };
    let line = |cells: [&str; N]| {
        let mut text = String::from("|");
        for (column, cell) in cells.iter().enumerate() {
            let width = width(column);
            text += &if is_number(column) {
                format!(" {cell:>width$} |")
            } else {
                format!(" {cell:<width$} |")
            };
        }
        println!("{text}");
    };
    line(header);
    let rule = |column: usize| {
        let end = if is_number(column) { ':' } else { '-' };
        format!("{}{end}|", "-".repeat(width(column) + 1))
    };
    println!("|{}", (0..N).map(rule).collect::<String>());
    for row in rows {
        line(row.each_ref().map(String::as_str));
    }
}
