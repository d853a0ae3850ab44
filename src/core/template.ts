/**
 * Texts of messages: plain substitution, nothing is ever executed (contract 5.2, 12.2 #17).
 */

export type TextValues = {
  readonly otp: string
  readonly serial: string
  readonly transactionId: string
  /** Attributes of the token's owner, for `${name}`. */
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * Fills `<otp>`, `<serial>`, `<transactionid>` and `${name}` in one pass, so that a value which looks like a
 * placeholder stays as it is. An unknown `${name}` stays too.
 */
export function fill(text: string, values: TextValues): string {
  const known: Readonly<Record<string, string>> = { ...values.attributes, otp: values.otp, serial: values.serial }
  return text.replace(/<(otp|serial|transactionid)>|\$\{(\w+)\}/g, (whole, tag?: string, name?: string) => {
    if (tag === 'transactionid') return values.transactionId
    const key = tag ?? name ?? ''
    return Object.hasOwn(known, key) ? (known[key] ?? whole) : whole
  })
}

/** A filled text as header value: one line of whole characters, so that no user attribute can add a header. */
export function asHeader(text: string): string {
  return oneLine(text).trim()
}

/** Without control characters, line breaks of Unicode and halves of surrogate pairs. */
export const oneLine = (text: string): string => text.toWellFormed().replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
