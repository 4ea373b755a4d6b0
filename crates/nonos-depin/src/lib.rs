//! Double-entry micro-fee ledger on hash-chained feeds: fees, vouchers, balances.
