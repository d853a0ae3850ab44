/**
 * The rules of /validate a second time, as plain data and obvious code: what a walk expects of the product.
 *
 * Nothing here comes from `src/`. Sources: contract 2.2, 2.6, 2.7, 3.1 to 3.5, 3.9; docs/architecture.md "State
 * changes"; docs/validate.md. Where those are silent it says so, and does what the product does.
 */
import {
  type Answer,
  type Ask,
  isOpen,
  type Kind,
  label,
  type Model,
  type ModelChallenge,
  type ModelToken,
  otpAt,
  type Sent,
} from './state.ts'
import { countFailure, isLocked, isWaiting } from './throttle.ts'

const no: Answer = { id: 0, result: { status: true, value: false }, sent: [] }
const raised: Answer = { id: 0, result: { status: false, value: false }, sent: [] }

/** Answers a request and moves the state. */
export function answer(model: Model, ask: Ask): Answer {
  if (ask.path === 'check_t') return answerTransaction(model, ask)
  if (ask.path === 'check_s') {
    const found = candidates(model, ask)
    if (ask.serial === undefined && found.length !== 1) return raised
    return decide(model, ask, found).answer
  }
  return decide(model, ask, candidates(model, ask)).answer
}

function candidates(model: Model, ask: Ask): ModelToken[] {
  // check_s with a serial does not look at the user; check with both wants the user's own token (contract 12.2 #1).
  const byUser = ask.path === 'check_s' && ask.serial !== undefined ? undefined : ask.user
  if (byUser === undefined && ask.serial === undefined) return []
  return model.tokens.filter(
    (token) =>
      (byUser === undefined || (token.user === byUser && model.users.includes(byUser))) &&
      (ask.serial === undefined || token.serial === ask.serial) &&
      (ask.kind === undefined || ask.path === 'check_s' || token.kind === ask.kind),
  )
}

/** Contract 2.6. LinOTP asks token by token and stops at a success; otpost asks all tokens of the transaction at once. */
function answerTransaction(model: Model, ask: Ask): Answer {
  const { transaction } = ask
  if (!transaction) return no // an empty one counts as missing
  const inside = model.challenges.filter((c) => inTransaction(c, transaction) && model.now < c.expires && c.delivered)
  const asked = model.tokens.filter(
    (token) => inside.some((c) => c.serial === token.serial) && (ask.kind === undefined || token.kind === ask.kind),
  )
  const { accepted } = decide(model, ask, asked)
  const token = accepted ?? asked.at(-1)
  const value = accepted !== undefined
  if (!token) {
    const failure = `No challenge for transaction '${label(transaction)}' found`
    return { id: 1, result: { status: true, value: { value, failcount: 0 } }, detail: { value, failure }, sent: [] }
  }
  const failcount = token.fails
  const detail = { value, failcount, token_type: token.kind, serial: token.serial }
  return { id: 1, result: { status: true, value: { value, failcount } }, detail, sent: [] }
}

/** The transaction it was opened in; `7.01` was opened in `7`. */
const familyOf = ({ transaction }: ModelChallenge): string => transaction.split('.')[0] ?? transaction

/** A parent means all of its transaction, also what a later one has taken over; a sub-transaction itself alone. */
const inTransaction = (challenge: ModelChallenge, transaction: string): boolean =>
  [challenge.transaction, challenge.parent, familyOf(challenge)].includes(transaction)

/** What waits is skipped too, but pays nothing. */
type Verdict = 'skipped' | 'waiting' | 'request' | 'invalid' | ModelChallenge
type Decision = { readonly answer: Answer; readonly accepted?: ModelToken }

/** Contract 2.2, "final aggregation". */
function decide(model: Model, ask: Ask, asked: readonly ModelToken[]): Decision {
  const open = (token: ModelToken) => openFor(model, token, ask)
  const verdicts = asked.map((token) => ({ token, verdict: judge(model, token, open(token), ask) }))
  // A locked token goes on counting, so does one that is used up; a disabled one does not.
  for (const { token, verdict } of verdicts) if (verdict === 'skipped' && token.active) countFailure(model, token)

  const valid = verdicts.flatMap(({ token, verdict }) => (typeof verdict === 'object' ? [{ token, verdict }] : []))
  const invalid = verdicts.filter(({ verdict }) => verdict === 'invalid').map(({ token }) => token)
  const requests = verdicts.filter(({ verdict }) => verdict === 'request').map(({ token }) => token)

  const [only, ...others] = valid
  if (only && others.length === 0) {
    accept(model, only.token, only.verdict)
    for (const { token, verdict } of verdicts) if (!['skipped', 'waiting'].includes(String(verdict))) token.fails = 0
    return { answer: { ...no, result: { status: true, value: true } }, accepted: only.token }
  }
  if (only) {
    // Not in the documents: nobody can say which token was meant. All that answered pay, requests do not.
    for (const token of [...valid.map((v) => v.token), ...invalid]) fail(model, token)
    for (const { verdict } of valid) spend(verdict)
    return { answer: no }
  }
  if (requests.length > 0) return { answer: trigger(model, ask, requests) }
  for (const token of invalid) {
    const guessed = open(token)
    fail(model, token)
    for (const challenge of guessed) spend(challenge)
  }
  return { answer: no }
}

const openFor = (model: Model, token: ModelToken, ask: Ask): ModelChallenge[] =>
  model.challenges.filter(
    (c) =>
      c.serial === token.serial &&
      isOpen(c, model.now) &&
      (ask.transaction === undefined || inTransaction(c, ask.transaction)),
  )

function judge(model: Model, token: ModelToken, open: readonly ModelChallenge[], { transaction, pass }: Ask): Verdict {
  if (!token.active || isLocked(model, token)) return 'skipped'
  if (isWaiting(model, token)) return 'waiting'
  if (token.askedMax > 0 && token.asked >= token.askedMax) return 'skipped'
  if (token.succeededMax > 0 && token.succeeded >= token.succeededMax) return 'skipped'

  // Of several challenges with one OTP the newest counts (not in the documents).
  const answered = (otp: string): ModelChallenge | undefined => open.findLast((c) => c.otp === otp)
  const before = pass.slice(0, -token.digits)
  const last = pass.slice(-token.digits)
  const together = before === token.pin ? answered(last) : undefined

  if (transaction !== undefined) {
    if (token.kind === 'email') return answered(pass) ?? 'invalid' // 3.4: the whole pass is the OTP
    return (before === token.pin ? together : answered(pass)) ?? 'invalid' // 3.5: PIN and OTP, else the OTP
  }
  if (token.kind === 'email') return pass === token.pin ? 'request' : (together ?? 'invalid')
  return together ?? (pass === token.pin ? 'request' : 'invalid')
}

function fail(model: Model, token: ModelToken): void {
  countFailure(model, token)
  if (token.askedMax > 0) token.asked++
}

function spend(challenge: ModelChallenge): void {
  challenge.attempts++
  if (challenge.maxAttempts > 0 && challenge.attempts >= challenge.maxAttempts) challenge.state = 'exhausted'
}

function accept(model: Model, token: ModelToken, challenge: ModelChallenge): void {
  challenge.attempts++
  for (const other of model.challenges) {
    const older = other.serial === token.serial && other.id < challenge.id
    if (other.state === 'open' && (older || shareTransaction(other, challenge))) other.state = 'superseded'
  }
  challenge.state = 'accepted'
  token.counter = Math.max(token.counter, challenge.counter + 1)
  if (token.askedMax > 0) token.asked++
  if (token.succeededMax > 0) token.succeeded++
}

/** Does one transaction id mean both? (docs/validate.md, "one success closes the others") */
const shareTransaction = (one: ModelChallenge, other: ModelChallenge): boolean =>
  [one.parent, familyOf(one)].some((id) => id === other.parent || id === familyOf(other))

/** Contract 2.4 and 3.3; numbering of sub-transactions in the order of enrolment. */
function trigger(model: Model, ask: Ask, tokens: readonly ModelToken[]): Answer {
  const { now, config, down } = model
  const several = tokens.length > 1
  model.transactions++
  const fresh = String(model.transactions)
  const listed: { token: ModelToken; challenge: ModelChallenge; already: boolean }[] = []
  const sent: Sent[] = []
  const taken: ModelChallenge[] = []
  let opened = false
  tokens.forEach((token, index) => {
    const { serial, kind } = token
    const blocking = model.challenges.filter((c) => c.serial === serial && blocks(model, c, kind))
    const earlier = blocking.at(-1)
    if (earlier) {
      taken.push(...blocking)
      listed.push({ token, challenge: earlier, already: true })
      return
    }
    const counter = token.counter + 1
    token.counter += kind === 'email' ? 2 : 1 // also when nothing is delivered
    const bound = config.bound[kind] > 0 ? config.bound[kind] : Number.POSITIVE_INFINITY
    const challenge: ModelChallenge = {
      id: (model.challenges.at(-1)?.id ?? 0) + 1,
      transaction: several ? `${fresh}.0${index + 1}` : fresh,
      parent: fresh,
      serial,
      otp: otpAt(token, counter),
      counter,
      created: now,
      expires: now + Math.min(config.validity[kind], bound),
      maxAttempts: config.maxAttempts,
      delivered: !down[kind],
      attempts: 0,
      state: 'open',
    }
    model.challenges.push(challenge)
    opened = true
    if (!challenge.delivered) return
    listed.push({ token, challenge, already: false })
    sent.push({ serial, transaction: challenge.transaction, otp: challenge.otp })
  })
  // What blocks joins the new transaction or, where nothing was opened, that of the newest: the id at the top leads to all.
  const newest = taken.reduce<ModelChallenge | undefined>((a, b) => (a && a.id > b.id ? a : b), undefined)
  const top = opened ? fresh : (newest?.parent ?? fresh)
  if (several) for (const challenge of taken) challenge.parent = top
  // What nobody delivers is an exception, which check_s tells apart (contract 2.4, 2.7).
  if (listed.length === 0) return ask.path === 'check_s' ? raised : no

  const details = listed.map(({ token, challenge, already }) => describe(token, challenge, already))
  const [first] = details
  if (!several && first) return { ...no, detail: first, sent }
  const detail = {
    challenges: Object.fromEntries(details.map((entry) => [entry.linotp_tokenserial, entry])),
    transactionid: label(top),
    message: 'Multiple challenges submitted.',
  }
  return { ...no, detail, sent }
}

/** Blocking ends strictly: with the very second (architecture 4). */
const blocks = ({ now, config }: Model, c: ModelChallenge, kind: Kind): boolean =>
  c.state === 'open' && c.delivered && now < c.expires && c.created > now - config.blocking[kind]

const SENT = { email: 'e-mail sent successfully', sms: 'sms submitted' }
const ALREADY = { email: 'e-mail with otp already submitted', sms: 'sms with otp already submitted' }

function describe(token: ModelToken, challenge: ModelChallenge, already: boolean) {
  const id = label(challenge.transaction)
  return {
    transactionid: id,
    state: id,
    message: (already ? ALREADY : SENT)[token.kind],
    ...(already ? { info: 'challenge already submitted' } : {}),
    linotp_tokenserial: token.serial,
    linotp_tokentype: token.kind,
    linotp_tokendescription: '',
  }
}
