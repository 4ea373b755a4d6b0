//! What went over the network this month, kept over restarts.

use nonos_store::{Batch, Durability, Error, Store, Table};
use nonos_types::{ByteLen, Sequence, Timestamp};

/// By month, counted from January of the year 0.
const SENT: Table<Sequence, ByteLen> = Table::new("traffic-sent");
const RECEIVED: Table<Sequence, ByteLen> = Table::new("traffic-received");

/// Bytes of one calendar month (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month {
    name: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Month {
    /// What is known of the month of that time.
    pub(super) fn read(store: &dyn Store, at: Timestamp) -> Result<Self, Error> {
        let name = month(at);
        let bytes = |table: &Table<Sequence, ByteLen>| {
            let read = table.get(store, &Sequence::new(name))?;
            Ok::<_, Error>(read.unwrap_or(ByteLen::ZERO).get())
        };
        Ok(Self {
            name,
            sent: bytes(&SENT)?,
            received: bytes(&RECEIVED)?,
        })
    }

    /// So many bytes more, at that time.
    pub(super) fn add(
        &mut self,
        store: &dyn Store,
        at: Timestamp,
        sent: u64,
        received: u64,
    ) -> Result<(), Error> {
        if self.name != month(at) {
            *self = Self::read(store, at)?;
        }
        if (sent, received) == (0, 0) {
            return Ok(());
        }
        self.sent = self.sent.saturating_add(sent);
        self.received = self.received.saturating_add(received);
        let mut batch = Batch::new();
        let key = Sequence::new(self.name);
        SENT.put(&mut batch, &key, &ByteLen::new(self.sent));
        RECEIVED.put(&mut batch, &key, &ByteLen::new(self.received));
        store.write(&batch, Durability::Buffered)
    }

    /// Both ways.
    pub(super) fn total(&self) -> u64 {
        self.sent.saturating_add(self.received)
    }
}

/// The calendar month of a time.
fn month(at: Timestamp) -> u64 {
    // Days since 1 March of year 0; an era is 400 years of 146,097 days.
    let days = at.get() / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let since_march = (5 * day_of_year + 2) / 153;
    (era * 400 + year_of_era) * 12 + 2 + since_march
}

#[cfg(test)]
mod tests {
    use nonos_store::MemoryStore;

    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        // From `date -u -d YEAR-MONTH-01 +%s`.
        for (first, name) in [
            (0, 1970 * 12),
            (951_868_800, 2000 * 12 + 2),
            (1_767_225_600, 2026 * 12),
            (1_769_904_000, 2026 * 12 + 1),
            (1_772_323_200, 2026 * 12 + 2),
            (1_796_083_200, 2026 * 12 + 11),
            (1_798_761_600, 2027 * 12),
            (4_107_542_400, 2100 * 12 + 2),
        ] {
            assert_eq!(month(Timestamp::new(first)), name);
            if first > 0 {
                assert_eq!(month(Timestamp::new(first - 1)), name - 1);
            }
        }
    }

    #[test]
    fn a_month_is_counted_over_restarts_and_ends() {
        let store = MemoryStore::new();
        let november = Timestamp::new(1_796_083_199);
        let mut month = Month::read(&store, november).expect("a month");
        month.add(&store, november, 5, 7).expect("written");
        month.add(&store, november, 1, 0).expect("written");
        let mut read = Month::read(&store, november).expect("a month");
        assert_eq!((read, read.total()), (month, 13));
        let december = Timestamp::new(1_796_083_200);
        read.add(&store, december, 0, 0).expect("nothing to write");
        assert_eq!(read.total(), 0);
        read.add(&store, december, 2, 0).expect("written");
        // A clock that is set back counts where it was.
        read.add(&store, november, 1, 1).expect("written");
        assert_eq!(read.total(), 15);
    }
}
