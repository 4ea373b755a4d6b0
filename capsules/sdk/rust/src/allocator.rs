//! An allocator for capsules that use `alloc`: it gives memory out and takes none back.
//!
//! A run is short and pays for every step; what it allocates is gone with it. A capsule that allocates without end meets
//! the limit of its manifest, and traps.

/// Where an allocation begins that may begin at `from`; `None` beyond the address space.
fn aligned(from: usize, align: usize) -> Option<usize> {
    from.checked_next_multiple_of(align)
}

#[cfg(all(target_arch = "wasm32", feature = "alloc"))]
#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
mod global {
    use super::aligned;
    use core::{
        alloc::{GlobalAlloc, Layout},
        cell::Cell,
        ptr::null_mut,
    };

    /// Gives out what lies between `next` and `end`, which is the end of the memory.
    struct Bump {
        next: Cell<usize>,
        end: Cell<usize>,
    }

    const PAGE: usize = 65_536;

    // SAFETY: a capsule has one thread; there is no other in its instruction set.
    unsafe impl Sync for Bump {}

    #[global_allocator]
    static BUMP: Bump = Bump {
        next: Cell::new(0),
        end: Cell::new(0),
    };

    // SAFETY: memory behind `next` was grown by this allocator alone, is given out once, and begins aligned.
    unsafe impl GlobalAlloc for Bump {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let Some(at) = aligned(self.next.get(), layout.align()) else {
                return null_mut();
            };
            let Some(behind) = at.checked_add(layout.size()) else {
                return null_mut();
            };
            if behind <= self.end.get() {
                self.next.set(behind);
                return at as *mut u8;
            }
            // What is left before a page that others grew is not ours: an allocation never spans it.
            let pages = (layout.size() + layout.align()).div_ceil(PAGE);
            let old = core::arch::wasm32::memory_grow::<0>(pages);
            if old == usize::MAX {
                return null_mut();
            }
            let start = old * PAGE;
            let from = if start == self.end.get() {
                self.next.get()
            } else {
                start
            };
            self.end.set(start + pages * PAGE);
            let at = from.next_multiple_of(layout.align());
            self.next.set(at + layout.size());
            at as *mut u8
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn an_allocation_begins_where_it_is_aligned() {
        assert_eq!(aligned(0, 8), Some(0));
        assert_eq!(aligned(1, 8), Some(8));
        assert_eq!(aligned(16, 16), Some(16));
        assert_eq!(aligned(usize::MAX, 2), None);
    }
}
