/** Rows of the audit's tables, read back. */
import type { AuditCheckpoint, AuditCut, AuditDelivery, AuditRecord, SentRecord } from '../../ports/audit.ts'
import type { Row } from '../../ports/store.ts'
import { number, text } from './rows.ts'

export function toRecord(row: Row): AuditRecord {
  const cited = number(row, 'cited_number')
  return {
    number: number(row, 'number'),
    requestId: text(row, 'request_id'),
    at: number(row, 'at'),
    action: text(row, 'action'),
    success: number(row, 'success') === 1,
    serial: text(row, 'serial'),
    tokenType: text(row, 'token_type'),
    user: text(row, 'user'),
    realm: text(row, 'realm'),
    administrator: text(row, 'administrator'),
    actionDetail: text(row, 'action_detail'),
    info: text(row, 'info'),
    client: text(row, 'client'),
    server: text(row, 'server'),
    cites: cited === 0 ? null : { number: cited, mark: text(row, 'cited_mark') },
    mac: text(row, 'mac'),
  }
}

export const toSentRecord = (row: Row): SentRecord => ({
  ...toRecord(row),
  // The statement makes a list of objects with the columns of the table.
  deliveries: (JSON.parse(text(row, 'sent') || '[]') as readonly Row[]).map(toDelivery),
})

export const toDelivery = (row: Row): AuditDelivery => ({
  id: number(row, 'id'),
  requestId: text(row, 'request_id'),
  serial: text(row, 'serial'),
  provider: text(row, 'provider'),
  status: text(row, 'status'),
  reason: text(row, 'reason'),
  at: number(row, 'at'),
  mac: text(row, 'mac'),
})

export const toCheckpoint = (row: Row): AuditCheckpoint => ({
  id: number(row, 'id'),
  first: number(row, 'first'),
  last: number(row, 'last'),
  firstDelivery: number(row, 'first_delivery'),
  lastDelivery: number(row, 'last_delivery'),
  newest: number(row, 'newest'),
  at: number(row, 'at'),
  digest: text(row, 'digest'),
  deliveryDigest: text(row, 'delivery_digest'),
  previous: text(row, 'previous'),
  marks: text(row, 'marks'),
  broken: text(row, 'broken'),
  mac: text(row, 'mac'),
})

export const toCut = (row: Row): AuditCut => ({
  id: number(row, 'id'),
  last: number(row, 'last'),
  lastDelivery: number(row, 'last_delivery'),
  checkpoint: number(row, 'checkpoint'),
  digest: text(row, 'digest'),
  findings: number(row, 'findings'),
  at: number(row, 'at'),
  mac: text(row, 'mac'),
})
