/** The part of `shared/limits.json` that chats need. */
export interface ChatLimits {
  readonly chat_text_bytes_max: number;
  readonly nesting_depth_max: number;
  readonly chat: {
    readonly messages_max: number;
    readonly tools_max: number;
    readonly tool_schema_bytes_max: number;
    readonly tool_schemas_bytes_max: number;
    readonly n_max: number;
    readonly stop_max: number;
    readonly steps_max: number;
    readonly calls_per_step_max: number;
    readonly calls_max: number;
    readonly parallel_tools_max: number;
    readonly tool_ms_max: number;
    readonly tools_ms_max: number;
    readonly loop_ms_max: number;
    readonly loop_tokens_max: number;
    readonly continuation_s: number;
  };
}
