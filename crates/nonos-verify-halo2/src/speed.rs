//! A piece of work by which a caller with a clock tells this machine from the one of the cost model.

use std::hint::black_box;
use std::time::Duration;

use pasta_curves::Eq;
use pasta_curves::group::Group;

/// What [`reference_work`] takes on one core of the machine that the cost model was measured on.
pub const REFERENCE_WORK: Duration = Duration::from_micros(730);

/// A thousand doublings and additions of points, which most of a proof's time is. Estimates of time are for a
/// machine that takes [`REFERENCE_WORK`] for it; another needs them scaled.
pub fn reference_work() {
    let step = Eq::generator();
    black_box((0..1000).fold(step, |sum, _| black_box(sum).double() + step));
}
