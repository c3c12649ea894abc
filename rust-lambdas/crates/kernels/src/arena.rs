//! Memory for rows: anonymous, on 2 MiB, in huge pages where the system has them.
//!
//! A scan reads gigabytes in order; with pages of 4 KiB it would miss the translation buffer on each of them.

use std::alloc::Layout;
use std::ptr::NonNull;

/// Every arena begins on it.
pub const ARENA_ALIGNMENT: usize = 2 << 20;

/// Bytes that begin as zeros.
#[derive(Debug)]
pub struct Arena {
    start: NonNull<u8>,
    layout: Layout,
    length: usize,
}

// SAFETY: an arena owns its memory as a `Vec<u8>` does.
unsafe impl Send for Arena {}
// SAFETY: it is only written through `&mut`.
unsafe impl Sync for Arena {}

impl Arena {
    /// `length` zeros; the memory behind is taken in steps of 2 MiB.
    pub fn zeroed(length: usize) -> Self {
        let size = length.max(1).next_multiple_of(ARENA_ALIGNMENT);
        let layout =
            Layout::from_size_align(size, ARENA_ALIGNMENT).expect("a length that memory can have");
        let start = memory::take(layout);
        Self {
            start,
            layout,
            length,
        }
    }

    #[allow(missing_docs, reason = "says itself")]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `length` initialised bytes stand at `start`, borrowed with the arena.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    #[allow(missing_docs, reason = "says itself")]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }

    /// Whole numbers of `T` from the beginning on.
    pub fn of<T: Number>(&self) -> &[T] {
        // SAFETY: every pattern of bits is a `T`; the alignment is that of the arena.
        unsafe {
            std::slice::from_raw_parts(self.start.as_ptr().cast(), self.length / size_of::<T>())
        }
    }

    /// As [`Self::of`], to be written.
    pub fn of_mut<T: Number>(&mut self) -> &mut [T] {
        // SAFETY: as above, borrowed alone.
        unsafe {
            std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.length / size_of::<T>())
        }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        memory::give_back(self.start, self.layout);
    }
}

/// Numbers of rows: any bits are one.
///
/// # Safety
/// Every pattern of bits is a value, and the alignment is at most [`ARENA_ALIGNMENT`].
pub unsafe trait Number: Copy {}
// SAFETY: plain numbers.
unsafe impl Number for u8 {}
// SAFETY: plain numbers.
unsafe impl Number for i8 {}
// SAFETY: plain numbers.
unsafe impl Number for u16 {}
// SAFETY: plain numbers.
unsafe impl Number for u32 {}
// SAFETY: plain numbers.
unsafe impl Number for u64 {}
// SAFETY: plain numbers.
unsafe impl Number for f32 {}

#[cfg(target_os = "linux")]
mod memory {
    use super::{ARENA_ALIGNMENT, Layout, NonNull};
    use std::alloc::handle_alloc_error;

    /// Maps so much more that 2 MiB can be aligned inside, and gives the ends back: the allocator would have to clear the
    /// pages, which the system hands out cleared and only where they are touched.
    pub(super) fn take(layout: Layout) -> NonNull<u8> {
        let mapped = layout.size() + ARENA_ALIGNMENT;
        // SAFETY: a new private mapping; its ends are unmapped before anyone knows of them.
        unsafe {
            let start = libc::mmap(
                std::ptr::null_mut(),
                mapped,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if start == libc::MAP_FAILED {
                handle_alloc_error(layout);
            }
            let before = start.cast::<u8>().align_offset(ARENA_ALIGNMENT);
            let aligned = start.cast::<u8>().add(before);
            if before > 0 {
                libc::munmap(start, before);
            }
            if before < ARENA_ALIGNMENT {
                libc::munmap(aligned.add(layout.size()).cast(), ARENA_ALIGNMENT - before);
            }
            // A wish: where huge pages are off the arena works all the same.
            libc::madvise(aligned.cast(), layout.size(), libc::MADV_HUGEPAGE);
            NonNull::new(aligned).unwrap_or_else(|| handle_alloc_error(layout))
        }
    }

    pub(super) fn give_back(start: NonNull<u8>, layout: Layout) {
        // SAFETY: what `take` mapped and did not unmap, for the last time.
        unsafe {
            libc::munmap(start.as_ptr().cast(), layout.size());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod memory {
    use super::{Layout, NonNull};
    use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error};

    pub(super) fn take(layout: Layout) -> NonNull<u8> {
        // SAFETY: the size is not zero.
        NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
    }

    pub(super) fn give_back(start: NonNull<u8>, layout: Layout) {
        // SAFETY: from `take`, for the last time.
        unsafe { dealloc(start.as_ptr(), layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_on_its_alignment_with_zeros_and_is_given_back() {
        for length in [
            0,
            1,
            4096,
            ARENA_ALIGNMENT - 1,
            ARENA_ALIGNMENT,
            ARENA_ALIGNMENT + 1,
        ] {
            let mut arena = Arena::zeroed(length);
            assert_eq!(arena.as_bytes().len(), length);
            assert_eq!(arena.as_bytes().as_ptr().align_offset(ARENA_ALIGNMENT), 0);
            assert!(arena.as_bytes().iter().all(|byte| *byte == 0));
            arena.as_bytes_mut().fill(7);
            arena.of_mut::<f32>().fill(1.5);
            assert!(arena.of::<f32>().iter().all(|x| *x == 1.5));
            assert_eq!(arena.of::<u64>().len(), length / 8);
        }
    }
}
