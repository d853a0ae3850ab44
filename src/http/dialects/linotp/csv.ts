/** CSV that a spreadsheet may open. */

/**
 * An apostrophe before whatever would be a formula in a cell of its own, for readers that split a text at a delimiter.
 * A phone number (`+49 30 111`) stays as it is: it can call nothing.
 */
export const withoutFormulas = (text: string): string =>
  text.replace(/([,;|\t\r\n][^\S\t\r\n]*)(?![+-][\d\s()/.-]*(?:[,;|]|$))([=+\-@])/g, "$1'$2")

/** One cell, quoted; a text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvText(text: string): string {
  const harmless = withoutFormulas(text)
  return `"${(/^\s*[=+\-@]|^[\t\r]/.test(harmless) ? `'${harmless}` : harmless).replace(/"/g, '""')}"`
}
