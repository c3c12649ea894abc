//! The WASM blob: the crates `compute` and `kernels` behind raw exports over linear memory.
//!
//! The one import is a clock that counts milliseconds, so the blob can reach nothing. Memory crosses as (address, length): the caller allocates with
//! [`allocate`], fills, calls, and frees what it gets back with [`release`]. Whatever is freed is zeroed, because a
//! request may have been a private key. A panic ends in a trap, after which the caller must drop the instance.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;

use compute::{Engine, VectorEngine, VectorOperation};
use kernels::{Metric, NonFinite, TopK};
use zeroize::Zeroize;

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::new(Engine::with_clock(elapsed_ms));
    static VECTORS: RefCell<VectorEngine> = RefCell::default();
    static SCORING: RefCell<Option<TopK<Vec<f32>>>> = const { RefCell::new(None) };
}

#[link(wasm_import_module = "signet")]
unsafe extern "C" {
    /// Milliseconds since any moment; never goes back.
    #[link_name = "elapsed_ms"]
    safe fn host_elapsed_ms() -> f64;
}

fn elapsed_ms() -> f64 {
    host_elapsed_ms()
}

/// Every block is aligned for SIMD loads.
const ALIGNMENT: usize = 16;

/// `length` uninitialised bytes; 0 when there is no room. Freed by [`release`] with the same length.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    match layout_of(length) {
        // SAFETY: the size is not zero.
        Some(layout) => unsafe { alloc(layout) },
        None => std::ptr::null_mut(),
    }
}

/// Zeroes and frees a block.
///
/// # Safety
/// `address` and `length` come from one [`allocate`], or from one answer of [`call`], and are used for the last time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(address: *mut u8, length: usize) {
    let Some(layout) = layout_of(length) else {
        return;
    };
    // SAFETY: the caller's promise.
    unsafe {
        // By words: bytes one by one would take longer than a scan of what stood here. A block is aligned to 16 bytes.
        let words = length / size_of::<u64>();
        std::slice::from_raw_parts_mut(address.cast::<u64>(), words).zeroize();
        let tail = words * size_of::<u64>();
        std::slice::from_raw_parts_mut(address.add(tail), length - tail).zeroize();
        dealloc(address, layout);
    }
}

/// Answers one request frame. The answer's address is in the low, its length in the high 32 bits; 0 means that the frame
/// was malformed or that memory ran out.
///
/// # Safety
/// `length` initialised bytes stand at `address`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call(operation: u32, address: *const u8, length: usize) -> u64 {
    // SAFETY: the caller's promise.
    let request = unsafe { std::slice::from_raw_parts(address, length) };
    let answered = match VectorOperation::from_number(operation) {
        Some(operation) => VECTORS.with_borrow_mut(|engine| engine.answer(operation, request)),
        None => ENGINE.with_borrow_mut(|engine| engine.answer(operation, request)),
    };
    let Ok(mut answer) = answered else {
        return 0;
    };
    let block = allocate(answer.len());
    if block.is_null() {
        return 0;
    }
    // SAFETY: the block was allocated with this length.
    unsafe { std::slice::from_raw_parts_mut(block, answer.len()) }.copy_from_slice(&answer);
    let packed = (answer.len() as u64) << 32 | block as u64;
    answer.zeroize();
    packed
}

/// Begins a scoring: 0, or 1 + index of the query's component that is not finite, or -1 for arguments out of range. A
/// scoring that was not finished is dropped.
///
/// # Safety
/// `dimension` floats stand at `query`, aligned to 4 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn top_k_begin(
    metric: u32,
    query: *const f32,
    dimension: usize,
    k: usize,
    rows: usize,
) -> i32 {
    let Some(metric) = Metric::from_u32(metric).filter(|_| dimension > 0) else {
        return -1;
    };
    // SAFETY: the caller's promise.
    let query = unsafe { std::slice::from_raw_parts(query, dimension) }.to_vec();
    match TopK::new(metric, query, k, rows) {
        Ok(top_k) => SCORING.set(Some(top_k)),
        Err(NonFinite::Query(at) | NonFinite::Row(at)) => return at as i32 + 1,
    }
    0
}

/// Adds a block of whole rows: 0, or 1 + number of the row that is not finite, or -1 when no scoring was begun.
///
/// # Safety
/// `floats` floats stand at `rows`, aligned to 4 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn top_k_add(rows: *const f32, floats: usize) -> i32 {
    // SAFETY: the caller's promise.
    let rows = unsafe { std::slice::from_raw_parts(rows, floats) };
    SCORING.with_borrow_mut(
        |scoring| match scoring.as_mut().map(|top_k| top_k.add_rows(rows)) {
            None => -1,
            Some(Ok(())) => 0,
            Some(Err(NonFinite::Row(at) | NonFinite::Query(at))) => at as i32 + 1,
        },
    )
}

/// Ends the scoring and writes up to `room` hits as (row, score) of 4 bytes each; returns how many.
///
/// # Safety
/// There is room for `room` pairs at `hits`, aligned to 4 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn top_k_finish(hits: *mut [u32; 2], room: usize) -> usize {
    let Some(top_k) = SCORING.take() else {
        return 0;
    };
    let found = top_k.finish();
    let count = found.len().min(room);
    for (index, hit) in found.iter().take(count).enumerate() {
        // SAFETY: index < room.
        unsafe { hits.add(index).write([hit.row, hit.score.to_bits()]) };
    }
    count
}

fn layout_of(length: usize) -> Option<Layout> {
    Layout::from_size_align(length.max(1), ALIGNMENT).ok()
}
