import { ChangeMessageVisibilityCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import type { DeadLetter } from '../../domain/ports/queue.ts';
import { repeatCall } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { fromMessage, noteOf, toMessage, toNote } from './message-text.ts';
import { sendEntries } from './send-entries.ts';

/** A dead letter as it was taken out of its queue for a look. */
export interface TakenLetter extends DeadLetter {
  readonly group: string | undefined;
  readonly receipt: string;
}

export interface DeadLetters {
  /** Buries a message. Twice for one delivery is once, where the queue keeps order. */
  bury(letter: {
    message_id: string;
    body: string;
    group: string | undefined;
    attempts: number;
    reason: string;
    dead_at: number;
  }): Promise<void>;
  /**
   * SQS has no way to look at messages without taking them: takes all, lets `work` see them in the order of their
   * deaths, and puts those back that it did not remove. Looks of one instance wait for each other; for another one the
   * letters seem gone meanwhile.
   */
  look<T>(work: (letters: readonly TakenLetter[]) => Promise<T>): Promise<T>;
  remove(letter: TakenLetter): Promise<void>;
}

const look_s = 60;

export function deadLetters({
  client,
  url,
  rules,
}: {
  client: SQSClient;
  url: string;
  rules: RepeatRules;
}): DeadLetters {
  const keeps_order = url.endsWith('.fifo');
  let looking: Promise<unknown> = Promise.resolve();

  async function takeAll(): Promise<TakenLetter[]> {
    const taken = new Map<string, TakenLetter>();
    for (;;) {
      const command = new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: look_s,
        // Without a wait only some of the servers are asked, and letters seem to be missing.
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'MessageGroupId', 'SentTimestamp'],
      });
      const { Messages = [] } = await repeatCall(() => client.send(command), { rules });
      if (Messages.length === 0) return [...taken.values()].sort(byDeath);
      for (const message of Messages) {
        const letter = toLetter(message);
        taken.set(letter.id, letter);
      }
    }
  }

  async function putBack(letters: Iterable<TakenLetter>): Promise<void> {
    await Promise.all(
      Array.from(letters, async ({ receipt }) => {
        const command = new ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: receipt,
          VisibilityTimeout: 0,
        });
        // What is not put back now comes back by itself after `look_s`.
        await repeatCall(() => client.send(command), { rules }).catch(() => undefined);
      }),
    );
  }

  return {
    async bury({ message_id, body, group, attempts, reason, dead_at }) {
      const notes = {
        'signet-reason': toNote(reason),
        'signet-attempts': String(attempts),
        'signet-dead-at': String(dead_at),
        'signet-group': group,
      };
      const order = {
        // A group of its own, or a look would see one letter of each group.
        MessageGroupId: `letter-${message_id}`,
        MessageDeduplicationId: `${message_id}-${attempts}`,
      };
      const entry = { ...toMessage(body, notes), ...(keeps_order ? order : {}) };
      await sendEntries(client, { url, entries: [entry], rules });
    },

    look(work) {
      const turn = looking.then(async () => {
        const letters = new Map((await takeAll()).map((letter) => [letter.id, letter]));
        try {
          return await work([...letters.values()]);
        } finally {
          await putBack(letters.values());
        }
      });
      looking = turn.catch(() => undefined);
      return turn;
    },

    async remove({ receipt }) {
      const command = new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receipt });
      await repeatCall(() => client.send(command), { rules });
    },
  };
}

export function byDeath(a: Pick<DeadLetter, 'dead_at' | 'id'>, b: Pick<DeadLetter, 'dead_at' | 'id'>): number {
  return a.dead_at - b.dead_at || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/** A letter without notes was moved by the queue itself, after its own maximum of deliveries. */
function toLetter(message: Message): TakenLetter {
  const { MessageId: id = '', ReceiptHandle: receipt = '', Attributes = {} } = message;
  return {
    id,
    receipt,
    body: fromMessage(message),
    attempts: Number(noteOf(message, 'signet-attempts') ?? Attributes.ApproximateReceiveCount ?? 1),
    reason: noteOf(message, 'signet-reason') ?? 'attempts_exhausted',
    dead_at: Number(noteOf(message, 'signet-dead-at') ?? Attributes.SentTimestamp ?? 0),
    group: noteOf(message, 'signet-group'),
  };
}
