// What the three TypeScript clients share: settings, files, patience. Node without its types.
declare const process: { env: Record<string, string | undefined> };

export function env(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export async function save(name: string, bytes: ArrayBuffer): Promise<void> {
  const files = "node:fs/promises";
  await (await import(files)).writeFile(name, new Uint8Array(bytes));
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
