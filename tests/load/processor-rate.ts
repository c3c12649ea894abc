/**
 * Operations a second of one core: `work` does something and says how many times. Median of five rounds of at least 200 ms,
 * after a warm-up, in processor time of this thread, so that what else runs on the machine counts little.
 */
export async function perSecond(work: () => number | Promise<number>): Promise<number> {
  await work();
  const rounds: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const started = processorMs();
    let done = 0;
    while (processorMs() - started < 200) done += await work();
    rounds.push((done * 1000) / (processorMs() - started));
  }
  return Math.round(rounds.toSorted((a, b) => a - b)[2] ?? 0);
}

function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
