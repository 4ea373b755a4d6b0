//! What the processor says it can do.

use crate::CpuFeature;

#[cfg(target_arch = "x86_64")]
pub(super) fn features() -> impl Iterator<Item = CpuFeature> {
    use std::arch::is_x86_feature_detected as has;
    [
        (CpuFeature::Aes, has!("aes")),
        (CpuFeature::Sha2, has!("sha")),
        (CpuFeature::Clmul, has!("pclmulqdq")),
        (CpuFeature::Sse41, has!("sse4.1")),
        (CpuFeature::Avx2, has!("avx2")),
        (CpuFeature::Avx512, has!("avx512f")),
        (CpuFeature::Bmi2, has!("bmi2")),
        (CpuFeature::Adx, has!("adx")),
    ]
    .into_iter()
    .filter_map(|(feature, has)| has.then_some(feature))
}

#[cfg(target_arch = "aarch64")]
pub(super) fn features() -> impl Iterator<Item = CpuFeature> {
    use std::arch::is_aarch64_feature_detected as has;
    [
        (CpuFeature::Aes, has!("aes")),
        (CpuFeature::Sha2, has!("sha2")),
        (CpuFeature::Clmul, has!("pmull")),
        (CpuFeature::Neon, has!("neon")),
        (CpuFeature::Sve, has!("sve")),
    ]
    .into_iter()
    .filter_map(|(feature, has)| has.then_some(feature))
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn features() -> impl Iterator<Item = CpuFeature> {
    std::iter::empty()
}
