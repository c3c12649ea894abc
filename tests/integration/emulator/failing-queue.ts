import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { sqsQueue } from '../../../functions/adapters/sqs/sqs-queue.ts';
import { emulatorSettings } from './emulator-clients.ts';
import { failBy, seededPlan } from './failing-client.ts';
import { newQueue } from './new-queue.ts';

/** A stand for the queue port's suite: a new queue of its kind, one call in eight failing but those in `spared`. */
export async function openFailingQueue(kind: 'standard' | 'fifo', { spared }: { spared: readonly string[] }) {
  const client = new SQSClient(emulatorSettings());
  const maker = new SQSClient(emulatorSettings());
  const { url, dead_letter_url, remove } = await newQueue(maker, kind);
  failBy(client, seededPlan({ one_in: 8, spared }));
  const rules = { wait_ms_base: 2, wait_ms_max: 20 };
  const open = () => sqsQueue({ client, url, dead_letter_url, attempts_max: 3, rules });
  return {
    queue: open(),
    other: open(),
    // The emulator's clock cannot be moved. A little more, since its own time starts when the answer leaves.
    pass: (ms: number) => sleep(ms + 200),
    async close() {
      await remove();
      client.destroy();
      maker.destroy();
    },
  };
}
