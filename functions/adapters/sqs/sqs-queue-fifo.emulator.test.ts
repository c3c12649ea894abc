import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { newQueue } from '../../../tests/integration/emulator/new-queue.ts';
import { describeQueue } from '../../domain/ports/queue.contract.ts';
import { sqsQueue } from './sqs-queue.ts';

describeQueue(
  'sqs, fifo',
  async () => {
    const client = new SQSClient(emulatorSettings());
    const { url, dead_letter_url, remove } = await newQueue(client, 'fifo');
    const open = () => sqsQueue({ client, url, dead_letter_url, attempts_max: 3 });
    return {
      queue: open(),
      other: open(),
      // The emulator's clock cannot be moved. A little more, since its own time starts when the answer leaves.
      pass: (ms) => sleep(ms + 200),
      async close() {
        await remove();
        client.destroy();
      },
    };
  },
  { keeps_order: true },
);
