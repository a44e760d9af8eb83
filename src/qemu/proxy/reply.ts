/** What the proxy itself says to a toolstack, in QMP. */
import { printable, type StubferryError } from '../../base/errors/index.js';

/** libxl logs the sentence on one line, and prints it for the user of `xl`. */
const SENTENCE_LIMIT = 800;

/** The reply to a command that did what it should. @param id JSON text, as the client wrote it */
export function successReply(id: string | undefined, value: unknown = {}): string {
  return reply(`"return": ${JSON.stringify(value)}`, id);
}

/** The reply to a command that failed, with the reason in one sentence. */
export function errorReply(error: StubferryError, id: string | undefined): string {
  return reply(`"error": ${JSON.stringify({ class: 'GenericError', desc: sentence(error) })}`, id);
}

function reply(member: string, id: string | undefined): string {
  return `{${member}${id === undefined ? '' : `, "id": ${id}`}}\r\n`;
}

function sentence({ code, message, details }: StubferryError): string {
  const { where, expected, found, hint } = details;
  const parts = [
    `stubferry: ${message} [${code}]`,
    where === undefined ? '' : `at ${where}`,
    expected === undefined ? '' : `expected ${expected}`,
    found === undefined ? '' : `found ${found}`,
    hint ?? '',
  ];
  return printable(parts.filter((part) => part !== '').join('; '), SENTENCE_LIMIT);
}
