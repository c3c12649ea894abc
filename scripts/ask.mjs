// Questions on the terminal. Plain Node 20, no packages.
import { createInterface } from 'node:readline/promises';
import { UsageError } from './stage-arguments.mjs';

/**
 * Resolves when the answer is `wanted` (yes, unless another is named); throws otherwise, also where nobody can be asked.
 * @param {string} question
 * @param {string} [wanted]
 */
export async function confirm(question, wanted) {
  if (!process.stdin.isTTY) throw new UsageError(`${question} nobody can be asked here; say --yes`);
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const hint = wanted === undefined ? '(y/N)' : `(type \`${wanted}\`)`;
  const answer = (await lines.question(`${question} ${hint} `).finally(() => lines.close())).trim();
  const agreed = wanted === undefined ? /^y(es)?$/i.test(answer) : answer === wanted;
  if (!agreed) throw Object.assign(new Error('not confirmed: nothing was changed'), { interrupted: true });
}
