/** Asks a witness of somebody's (C2SP `tlog-witness`). */
export interface WitnessClient {
  /**
   * POST `<url>/add-checkpoint`; the answer whatever its status, at most 64 KiB of it. Follows no redirect. Throws when
   * none came within `timeout_ms`, or `signal` said to stop.
   */
  addCheckpoint(request: {
    url: string;
    body: string;
    timeout_ms: number;
    signal?: AbortSignal | undefined;
  }): Promise<WitnessAnswer>;
}

export interface WitnessAnswer {
  readonly status: number;
  /** `content-type`, without parameters; empty when there is none. */
  readonly type: string;
  readonly body: string;
}
