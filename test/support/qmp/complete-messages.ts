/** Finds the messages in a stream of chunks, each from its first brace to its last. The messages must be valid JSON. */

/** @param onMessage receives each message when it is complete */
export function completeMessages(onMessage: (text: string) => void): (fragment: string) => void {
  let message = '';
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (fragment) => {
    for (const character of fragment) {
      if (depth > 0 || character === '{') message += character;
      if (inString) {
        if (!escaped && character === '"') inString = false;
        escaped = !escaped && character === '\\';
      } else if (character === '"') inString = true;
      else if (character === '{') depth += 1;
      else if (character === '}') depth -= 1;
      if (depth > 0 || message === '') continue;
      onMessage(message);
      message = '';
    }
  };
}
