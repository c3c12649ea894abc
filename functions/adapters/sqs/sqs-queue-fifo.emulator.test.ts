import { setTimeout as sleep } from 'node:timers/promises';
import { SQSClient } from '@aws-sdk/client-sqs';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { newQueue } from '../../../tests/integration/emulator/new-queue.ts';
import { describeQueue } from '../../domain/ports/queue.contract.ts';
import { sqsQueue } from './sqs-queue.ts';

describeQueue(
  'sqs, fifo, that throttles, breaks, leaves messages out and loses answers',
  async () => {
    const client = new SQSClient(emulatorSettings());
    const maker = new SQSClient(emulatorSettings());
    const { url, dead_letter_url, remove } = await newQueue(maker, 'fifo');
    // The emulator gives a repeated receive no second answer, so what a lost one brought waits for its visibility.
    failBy(client, seededPlan({ one_in: 8, spared: ['ReceiveMessageCommand'] }));
    const rules = { wait_ms_base: 2, wait_ms_max: 20 };
    const open = () => sqsQueue({ client, url, dead_letter_url, attempts_max: 3, rules });
    return {
      queue: open(),
      other: open(),
      // The emulator's clock cannot be moved. A little more, since its own time starts when the answer leaves.
      pass: (ms) => sleep(ms + 200),
      async close() {
        await remove();
        client.destroy();
        maker.destroy();
      },
    };
  },
  { keeps_order: true },
);
