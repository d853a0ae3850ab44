/** CSV that a spreadsheet may open. */

/** An apostrophe before whatever would be a formula in a cell of its own, for readers that split a text at a delimiter. */
export const withoutFormulas = (text: string): string => text.replace(/([,;|\t\r\n]\s*)([=+\-@])/g, "$1'$2")
