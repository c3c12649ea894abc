/**
 * The part of the WebAssembly JavaScript interface that is used here. TypeScript has it in the library of browsers only,
 * which would also bring `window` and `document` into a program that runs on Node.
 */
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  interface Module {
    readonly __module: never;
  }
  const Module: {
    imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[];
  };
  class RuntimeError extends Error {}
  function instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ readonly module: Module; readonly instance: Instance }>;
}
