import type { Terminal } from '../terminal.ts';

/** One line of a doctor: what was looked at, what was expected and came, what to do. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; absent when nothing is. */
  readonly advice?: string;
}

export function renderFindings(findings: readonly Finding[], { paint }: Terminal): string {
  const marks = { ok: paint.good('ok  '), warn: 'warn', fail: paint.bad('FAIL') };
  const lines = findings.map(({ name, state, detail, advice }) => {
    const todo = advice === undefined ? '' : `\n${' '.repeat(22)}→ ${advice}`;
    return `${marks[state]} ${name.padEnd(16)} ${detail}${todo}`;
  });
  return `${lines.join('\n')}\n`;
}
