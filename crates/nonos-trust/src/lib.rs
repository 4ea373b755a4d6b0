//! Identity in an encrypted keystore, evidence that third parties can check, trust scores and the blacklist.
