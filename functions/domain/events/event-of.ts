import type { JsonObject } from '../json.ts';
import { fieldsOf, isOpening, isRefusal, readEntry, type EntryFields } from '../receipts/read-entry.ts';
import { decisionType, documentType, runType } from '../receipts/statement-types.ts';
import type { Topic } from './topics.ts';

/** What one sealed entry means to whoever follows a topic. */
export interface EntryEvent {
  readonly topic: Topic;
  /** Unix seconds. */
  readonly occurred_at: number;
  /** What it is about: a resource, a run, the node. */
  readonly subject: string;
  /** Small facts, never the text of a request or an answer. */
  readonly data: JsonObject;
}

/** The events of an entry: none, or one for each topic that it belongs to. Pure: an entry means the same for ever. */
export function eventsOf(entry: Uint8Array): readonly EntryEvent[] {
  const read = readEntry(entry);
  if (read === undefined) return [];
  const { type, predicate } = read;
  const occurred_at = typeof predicate['iat'] === 'number' ? predicate['iat'] : 0;
  return topicsOf(type, predicate).map((topic) => ({ topic, occurred_at, ...tellers[topic](predicate) }));
}

type ToldTopic = Exclude<Topic, 'ledger.sealed'>;

function topicsOf(type: string, predicate: EntryFields): readonly ToldTopic[] {
  if (type === runType) return ['run.completed'];
  if (type === documentType) return ['identity.changed', 'policy.changed'];
  if (type !== decisionType || isOpening(predicate)) return [];
  if (isRefusal(predicate)) return ['decision.refused'];
  const { action, code } = predicate;
  if (action === 'chat' && code === 'ok') return ['inference.completed'];
  return action === 'manageIdentity' && code === 'ok' ? ['identity.changed'] : [];
}

const tellers: { readonly [T in ToldTopic]: (predicate: EntryFields) => Pick<EntryEvent, 'subject' | 'data'> } = {
  'inference.completed': ({ route, usage, finish }) => {
    const model = text(fieldsOf(route)?.['chosen']);
    return { subject: model, data: { model, usage: numbers(usage), finish: text(finish) } };
  },
  'run.completed': ({ run, exit, used }) => {
    const { code, reason } = fieldsOf(exit) ?? {};
    return {
      subject: text(run),
      data: {
        run: text(run),
        exit_code: typeof code === 'number' ? code : null,
        reason: text(reason),
        used: numbers(used),
      },
    };
  },
  'decision.refused': ({ action, code, resource }) => ({
    subject: resourceOf(resource),
    data: { action: text(action), code: text(code) },
  }),
  'identity.changed': ({ document_seq, action, resource }) =>
    typeof document_seq === 'number'
      ? { subject: 'node', data: { document_seq } }
      : { subject: resourceOf(resource), data: { action: text(action) } },
  'policy.changed': ({ constitution_version }) => ({
    subject: 'constitution',
    data: typeof constitution_version === 'number' ? { constitution_version } : {},
  }),
};

function resourceOf(resource: unknown): string {
  const { type, id } = fieldsOf(resource) ?? {};
  return `${text(type)}/${text(id)}`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numbers(value: unknown): JsonObject {
  const entries = Object.entries(fieldsOf(value) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}
