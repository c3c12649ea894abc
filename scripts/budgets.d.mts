export interface Sizes {
  readonly zip_bytes: number;
  readonly unpacked_bytes: number;
}

export interface Budget {
  readonly zip_bytes_max: number;
  readonly unpacked_bytes_max: number;
}

export function weigh(artefact: {
  readonly name: string;
  readonly folder: string;
}): readonly (Sizes & { readonly part: string; readonly budget: Budget })[];

export function assertBudget(artefact: { readonly name: string; readonly folder: string }): void;

export function sizesOf(folder: string): Sizes;
