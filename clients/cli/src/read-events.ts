/** One server-sent event as it came; comments are beats and are skipped. */
export interface ServerEvent {
  /** Absent where the event has none of its own. */
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

/** Server-sent events as a node writes them: blocks of `id`, `event` and one line of `data`. */
export async function* readEvents(answer: Pick<Response, 'body'>): AsyncGenerator<ServerEvent, void, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of answer.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => fieldOf(line)));
      const id = fields.get('id');
      const data = fields.get('data');
      if (data !== undefined) yield { event: fields.get('event') ?? '', data, ...(id === undefined ? {} : { id }) };
    }
  }
}

function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
