/**
 * Milliseconds that this thread worked. Deadlines of work that waits for nothing are measured by it: on a machine with more
 * to do than processors, time in which others ran says nothing of a scorer that is too slow. Where the platform does not
 * tell, time that passed stands for it.
 */
export function ownTime(): number {
  const { threadCpuUsage } = process as { readonly threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage === undefined) return performance.now();
  const { user, system } = threadCpuUsage();
  return (user + system) / 1000;
}
