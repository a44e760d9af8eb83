/**
 * The messages of QMP, as specified by docs/interop/qmp-spec.rst of QEMU.
 *
 *     server:  {"QMP": {"version": ...}}                         the greeting, sent once
 *              {"event": "STOP", "data": {...}, ...}             at any time
 *              {"return": ..., "id": ID}                         a reply
 *              {"error": {"class": C, "desc": D}, "id": ID}      an error reply
 *     client:  {"execute": NAME, "arguments": {...}, "id": ID}
 */
import * as z from 'zod/mini';

const greeting = z.object({
  QMP: z.object({
    version: z.object({
      qemu: z.object({ major: z.number(), minor: z.number(), micro: z.number() }),
      package: z.string(),
    }),
  }),
});
const event = z.object({ event: z.string(), data: z.optional(z.unknown()) });
const success = z.object({ return: z.unknown(), id: z.optional(z.unknown()) });
const failure = z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.optional(z.unknown()) });

/** A message of a QMP server. */
export type ServerMessage =
  /** `version` is formatted for people: `7.2.22 (Debian 1:7.2+dfsg-7)`. */
  | { readonly kind: 'greeting'; readonly version: string }
  | { readonly kind: 'event'; readonly name: string; readonly data: unknown }
  | { readonly kind: 'return'; readonly value: unknown; readonly id: unknown }
  | { readonly kind: 'error'; readonly errorClass: string; readonly desc: string; readonly id: unknown };

/** Parses a message of a server. Returns undefined for any other text. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  const json = parsed(text);
  if (typeof json !== 'object' || json === null) return undefined;
  if ('return' in json) {
    const { data } = success.safeParse(json);
    return data && { kind: 'return', value: data.return, id: data.id };
  }
  if ('error' in json) {
    const { data } = failure.safeParse(json);
    return data && { kind: 'error', errorClass: data.error.class, desc: data.error.desc, id: data.id };
  }
  if ('event' in json) {
    const { data } = event.safeParse(json);
    return data && { kind: 'event', name: data.event, data: data.data };
  }
  const { data } = greeting.safeParse(json);
  return data && { kind: 'greeting', version: versionText(data.QMP.version) };
}

function versionText({ qemu, package: built }: z.infer<typeof greeting>['QMP']['version']): string {
  const number = `${qemu.major}.${qemu.minor}.${qemu.micro}`;
  return built === '' ? number : `${number} (${built.replace(/^\((.*)\)$/, '$1')})`;
}

/** A command of a client, with the parts that a proxy needs. */
export interface ClientCommand {
  readonly execute: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The JSON text of its id, exactly as the client wrote it, because JSON.parse loses precision of 64-bit numbers. */
  readonly id: string | undefined;
  /** True for `exec-oob`: QEMU executes the command out of band, before queued commands. */
  readonly outOfBand: boolean;
}

const command = z.union([
  z.object({ execute: z.string(), arguments: z.optional(z.record(z.string(), z.unknown())) }),
  z.object({ 'exec-oob': z.string(), arguments: z.optional(z.record(z.string(), z.unknown())) }),
]);

/** Parses a command of a client. Returns undefined for a text that QEMU does not accept as a command either. */
export function parseCommand(text: string): ClientCommand | undefined {
  const plain = withPlainQuotes(text);
  const { data } = command.safeParse(parsed(plain));
  if (data === undefined) return undefined;
  const outOfBand = 'exec-oob' in data;
  return {
    execute: outOfBand ? data['exec-oob'] : data.execute,
    arguments: data.arguments ?? {},
    id: memberText(plain, 'id'),
    outOfBand,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The tokens of a JSON text: strings, punctuation, and everything else. */
const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}[\],:]|[^{}[\],:"'\s]+/g;

/** Converts single-quoted strings to JSON. QEMU accepts them, and people who type commands use them. */
function withPlainQuotes(text: string): string {
  if (!text.includes("'")) return text;
  return text.replace(TOKEN, (token) => {
    if (token.startsWith('"')) return token.replace(/\\./g, (part) => (part === "\\'" ? "'" : part));
    if (!token.startsWith("'")) return token;
    const content = token
      .slice(1, -1)
      .replace(/\\.|"/g, (part) => (part === "\\'" ? "'" : part === '"' ? '\\"' : part));
    return `"${content}"`;
  });
}

/** Returns the text of the value of the member `name`. `text` must be a valid JSON object. */
function memberText(text: string, name: string): string | undefined {
  let depth = 0;
  let key: string | undefined;
  let from = -1;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const ends = depth === 1 && (token === ',' || token === '}');
    if (ends && from !== -1 && key === name) return text.slice(from, index).trim();
    if (ends) [key, from] = [undefined, -1];
    else if (depth === 1 && key === undefined) key = JSON.parse(token) as string;
    else if (depth === 1 && token === ':' && from === -1) from = index + 1;
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
  }
  return undefined;
}
