/** The job that a wake-up message names; undefined for a message that is none. */
export function readWakeUp(body: string): string | undefined {
  try {
    const { job_id } = JSON.parse(body) as { job_id?: unknown };
    return typeof job_id === 'string' && idForm.test(job_id) ? job_id : undefined;
  } catch {
    return undefined;
  }
}

/** Wider than any id that we make, and short enough for every table's key. */
const idForm = /^[\x21-\x7e]{1,256}$/;
