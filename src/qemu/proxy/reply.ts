/** The QMP replies that the proxy itself sends to a toolstack. */
import { printable, type StubferryError } from '../../base/errors/index.js';

/** The longest description, in characters. libxl logs it on one line and `xl` prints it for the user. */
const DESC_LIMIT = 800;

/**
 * The reply to a command that succeeded.
 * @param id the JSON text of the id, as the client wrote it; undefined for none
 */
export function successReply(id: string | undefined, value: unknown = {}): string {
  return reply(`"return": ${JSON.stringify(value)}`, id);
}

/** The reply to a command that failed, with the error on one line. @param id as in {@link successReply} */
export function errorReply(error: StubferryError, id: string | undefined): string {
  return reply(`"error": ${JSON.stringify({ class: 'GenericError', desc: description(error) })}`, id);
}

function reply(member: string, id: string | undefined): string {
  return `{${member}${id === undefined ? '' : `, "id": ${id}`}}\r\n`;
}

function description({ code, message, details }: StubferryError): string {
  const { where, expected, found, hint } = details;
  const parts = [
    `stubferry: ${message} [${code}]`,
    where === undefined ? '' : `at ${where}`,
    expected === undefined ? '' : `expected ${expected}`,
    found === undefined ? '' : `found ${found}`,
    hint ?? '',
  ];
  return printable(parts.filter((part) => part !== '').join('; '), DESC_LIMIT);
}
