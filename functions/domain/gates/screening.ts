import type { Screen } from '../decisions/judge.ts';
import type { JsonObject } from '../json.ts';

/** What an action is about, as far as it is text. */
export interface IncomingText {
  /** All of it: nothing of it may be a secret. */
  readonly texts: readonly string[];
  /** Those that somebody may have written to a model behind the reader's back; absent, all. */
  readonly instructions?: readonly string[];
  /** The newest words of a person; absent where there is no prose to measure. */
  readonly prose?: string;
  readonly bytes_max: number;
}

/** One passage of text through the gates of an action: what comes in, what is quoted on the way, what goes out. */
export interface Screening {
  /** For the judge: the chain of what comes in, policy in its place. */
  readonly screen: Screen;
  /**
   * Adds a piece to a text that goes out and answers what of it may leave now: all but the end that may belong to a match,
   * at most 128 bytes. Throws `gate_refused` at a match; no byte of it has left.
   */
  pass(channel: string, piece: string): Promise<string>;
  /** What is still held back of each text; nothing comes behind it. Throws as `pass` does. */
  end(): Promise<readonly { readonly channel: string; readonly text: string }[]>;
  /** A text that goes out at once. */
  passWhole(text: string): Promise<void>;
  /** Text that comes from elsewhere in the middle of the work, a tool's result for one: why it must not be read, if so. */
  quote(text: string): Promise<string | undefined>;
  /** What was found in all that went out so far, for the outcome's statement; undefined where no chain asks. */
  verdict(): JsonObject | undefined;
}

export interface Screens {
  of(action: 'chat' | 'runScript', incoming: IncomingText): Screening;
}
