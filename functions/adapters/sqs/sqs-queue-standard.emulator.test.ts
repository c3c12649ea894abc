import { openFailingQueue } from '../../../tests/integration/emulator/failing-queue.ts';
import { describeQueue } from '../../domain/ports/queue.contract.ts';

describeQueue(
  'sqs, standard, that throttles, breaks, leaves messages out and loses answers',
  // A lost answer is a message received or sent twice: SQS promises no more.
  () => openFailingQueue('standard', { spared: ['ReceiveMessageCommand', 'SendMessageBatchCommand'] }),
  { keeps_order: false },
);
