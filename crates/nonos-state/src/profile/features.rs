use std::fmt;

use serde::{Serialize, Serializer};

/// Instructions a processor may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuFeature {
    /// A round of AES.
    Aes,
    /// SHA-256.
    Sha2,
    /// Multiplication of polynomials over two elements.
    Clmul,
    /// 128-bit vectors of x86.
    Sse41,
    /// 256-bit vectors of x86.
    Avx2,
    /// 512-bit vectors of x86.
    Avx512,
    /// Multiplication without flags, of x86.
    Bmi2,
    /// Additions with two carry chains, of x86.
    Adx,
    /// 128-bit vectors of ARM.
    Neon,
    /// Vectors of any length of ARM.
    Sve,
}

impl CpuFeature {
    /// Every feature, in the order of their bits.
    pub const ALL: [Self; 10] = [
        Self::Aes,
        Self::Sha2,
        Self::Clmul,
        Self::Sse41,
        Self::Avx2,
        Self::Avx512,
        Self::Bmi2,
        Self::Adx,
        Self::Neon,
        Self::Sve,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes => "aes",
            Self::Sha2 => "sha2",
            Self::Clmul => "clmul",
            Self::Sse41 => "sse41",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Bmi2 => "bmi2",
            Self::Adx => "adx",
            Self::Neon => "neon",
            Self::Sve => "sve",
        }
    }
}

impl fmt::Display for CpuFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of features.
///
/// ```
/// use nonos_state::{CpuFeature, CpuFeatures};
///
/// let features: CpuFeatures = [CpuFeature::Avx2, CpuFeature::Aes].into_iter().collect();
/// assert!(features.contains(CpuFeature::Aes) && !features.contains(CpuFeature::Sve));
/// assert_eq!(features.iter().next(), Some(CpuFeature::Aes));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CpuFeatures(u32);

impl CpuFeatures {
    /// No feature.
    pub const NONE: Self = Self(0);

    /// Is this one of them?
    pub fn contains(self, feature: CpuFeature) -> bool {
        self.0 & (1 << feature as u32) != 0
    }

    /// In the order of [`CpuFeature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = CpuFeature> {
        CpuFeature::ALL.into_iter().filter(move |it| self.contains(*it))
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    pub(super) fn from_bits(bits: u32) -> Option<Self> {
        let all: Self = CpuFeature::ALL.into_iter().collect();
        (bits & !all.0 == 0).then_some(Self(bits))
    }
}

impl FromIterator<CpuFeature> for CpuFeatures {
    fn from_iter<I: IntoIterator<Item = CpuFeature>>(features: I) -> Self {
        Self(features.into_iter().fold(0, |bits, it| bits | 1 << it as u32))
    }
}

impl Serialize for CpuFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
