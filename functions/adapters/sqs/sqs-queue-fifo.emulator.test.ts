import { openFailingQueue } from '../../../tests/integration/emulator/failing-queue.ts';
import { describeQueue } from '../../domain/ports/queue.contract.ts';

describeQueue(
  'sqs, fifo, that throttles, breaks, leaves messages out and loses answers',
  // The emulator gives a repeated receive no second answer, so what a lost one brought waits for its visibility.
  () => openFailingQueue('fifo', { spared: ['ReceiveMessageCommand'] }),
  { keeps_order: true },
);
