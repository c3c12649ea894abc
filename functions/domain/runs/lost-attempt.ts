import type { Now } from '../call.ts';
import { completionWithout, type ScriptCompletion } from '../ports/script-host.ts';
import type { Table } from '../ports/table.ts';
import { lastStep } from './journal.ts';
import type { RunRow } from './run-row.ts';

/** Attempts whose process vanished, after which the script itself is taken for the cause. */
export const lost_max = 3;

/** An interpreter that was lost gets one more try, unless something outside was changed already. */
export async function mayRetry({ table, now }: { table: Table; now: Now }, run: RunRow): Promise<boolean> {
  const step = await lastStep(table, run, now());
  return run.lost === 0 && (step?.totals.effects ?? 0) === 0;
}

/** The end of a run whose interpreter was lost and that gets no other. */
export function crashedCompletion(): ScriptCompletion {
  return failedCompletion(
    'InterpreterCrash',
    'interpreter_crash',
    'the process of the interpreter was lost under the run',
  );
}

/** A failure that is not the script's. */
export function failedCompletion(type: string, code: string, message: string): ScriptCompletion {
  return completionWithout({ state: 'failed', exit_code: 70, error: { type, code, message } });
}
