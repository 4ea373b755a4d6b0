//! Field helpers.

use ff::Field;
use pasta_curves::Fp;

/// Replaces every element by its inverse, and zero by zero, with one inversion in all.
pub(crate) fn invert_all(values: &mut [Fp]) {
    let mut product = Fp::ONE;
    let mut before = Vec::with_capacity(values.len());
    for value in values.iter().filter(|v| !bool::from(v.is_zero())) {
        before.push(product);
        product *= value;
    }
    let mut inverse: Fp = Option::from(product.invert()).expect("a product of non-zero elements is not zero");
    for value in values.iter_mut().rev().filter(|v| !bool::from(v.is_zero())) {
        let rest = before
            .pop()
            .expect("one product was kept for each non-zero element");
        (*value, inverse) = (inverse * rest, inverse * *value);
    }
}
