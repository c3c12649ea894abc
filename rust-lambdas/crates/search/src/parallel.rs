//! Work over ranges on as many threads as there are processors.

use std::ops::Range;

/// `work` on parts of `0..count`, the answers in the order of the parts. Fewer than `least` are not worth a thread.
pub(crate) fn in_parts<T: Send>(
    count: usize,
    least: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
) -> Vec<T> {
    let threads = processors().min(count / least.max(1)).max(1);
    let part = |at: usize| count * at / threads..count * (at + 1) / threads;
    if threads == 1 {
        return vec![work(0..count)];
    }
    let work = &work;
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|at| scope.spawn(move || work(part(at))))
            .collect();
        let mut answers = vec![work(part(0))];
        for other in others {
            answers.push(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        answers
    })
}

fn processors() -> usize {
    if cfg!(target_family = "wasm") {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}
