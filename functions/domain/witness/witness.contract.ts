import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { foreignLog, openCosignature } from '../../../tests/fixtures/foreign-log.ts';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { Table } from '../ports/table.ts';
import { makeWitness } from './make-witness.ts';
import { openWitnessIdentity } from './witness-identity.ts';

/** What a witness promises over any table: of requests that meet, one is the history, and every signature is of it. */
export function describeWitness(name: string, open: () => Promise<{ table: Table; close(): Promise<void> }>): void {
  describe(`a witness on ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let node: TestNode;
    let processes: readonly Awaited<ReturnType<typeof openProcess>>[];
    const log = foreignLog();

    async function openProcess(table: Table) {
      const { keys, compute, now } = node;
      const identity = await openWitnessIdentity({ table, keys, digest: compute.digest, name: 'w.example/1', now });
      const witness = makeWitness({
        table,
        ledger: compute.verify.ledger,
        keys,
        identity: async () => identity,
        logs: () => new Map([[log.origin, [log.vkey]]]),
        onFault: () => {},
        now,
      });
      return { witness, identity };
    }

    beforeAll(async () => {
      opened = await open();
      node = await openTestNode();
      const first = await openProcess(opened.table);
      processes = [first, await openProcess(opened.table), await openProcess(opened.table)];
    });
    afterAll(async () => {
      await node.close();
      await opened.close();
    });

    test('processes that start at once have one key for one name', () => {
      expect(new Set(processes.map(({ identity }) => identity.vkey)).size).toBe(1);
    });

    test('two histories at once from every size: one is cosigned, the other never', async () => {
      const vkey = processes[0]?.identity.vkey ?? '';
      let size = 0;
      for (let round = 1; round <= 12; round += 1) {
        const next = size + round;
        // The second history leaves the first behind its last common entry; both are proved from what is cosigned.
        const bodies = [log.request({ old: size, size: next }), log.request({ old: size, size: next, branch: size })];
        const answers = await Promise.all(
          processes.flatMap(({ witness }) => bodies.map(async (body) => witness.addCheckpoint(body))),
        );
        const lines = answers.flatMap((answer) => (answer.kind === 'cosigned' ? [answer.line] : []));
        const own = lines.filter((line) => isOver(line, vkey, log.checkpoint(next)));
        const other = lines.filter((line) => isOver(line, vkey, log.checkpoint(next, size)));
        expect(lines).toHaveLength(1);
        expect(own.length + other.length).toBe(1);
        for (const answer of answers)
          if (answer.kind !== 'cosigned') expect(answer).toEqual({ kind: 'elsewhere', size: next });
        if (other.length === 1) return;
        size = next;
      }
    });

    test('sizes that overtake each other: the head never goes back', async () => {
      const grown = foreignLog('log.example/overtaken');
      const { keys, compute, now } = node;
      const { identity } = await openProcess(opened.table);
      const witness = makeWitness({
        table: opened.table,
        ledger: compute.verify.ledger,
        keys,
        identity: async () => identity,
        logs: () => new Map([[grown.origin, [grown.vkey]]]),
        onFault: () => {},
        now,
      });
      const cosigned: number[] = [];
      for (let old = 0; old < 20; ) {
        const sizes = [old + 1, old + 3, old + 2];
        const answers = await Promise.all(
          sizes.map(async (size) => witness.addCheckpoint(grown.request({ old, size }))),
        );
        const won = answers.flatMap((answer) => (answer.kind === 'cosigned' ? [answer.size] : []));
        expect(won).toHaveLength(1);
        const [head] = await witness.logs();
        expect(head?.size).toBe(won[0]);
        cosigned.push(...won);
        old = won[0] ?? Infinity;
      }
      expect(cosigned).toEqual(cosigned.toSorted((a, b) => a - b));
    });
  });
}

function isOver(line: string, vkey: string, note: string): boolean {
  try {
    return openCosignature(line, vkey, note) > 0;
  } catch {
    return false;
  }
}
