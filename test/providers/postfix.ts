/** Postfix on this machine, with logins by Dovecot and mails in a Maildir; its files are all in a scratch folder. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import PostalMime, { type Email } from 'postal-mime'
import { testCertificates } from '../support/certificates.ts'
import { type Child, freePorts, listeningOn, scratchFolder, startChild } from './processes.ts'

export type Postfix = {
  /** Of its listeners: STARTTLS and a login; TLS and a login; TLS and a client certificate; nothing at all. */
  readonly ports: { readonly submission: number; readonly tls: number; readonly client: number; readonly plain: number }
  /** Mails that have arrived for a user of example.org, with what Postfix says of the connection. */
  readonly mails: (user: string) => Promise<readonly Email[]>
  readonly stop: () => Promise<void>
}

export const LOGIN = { SMTP_USER: 'mailer', SMTP_PASSWORD: 'hunter2-wörd' }
/** These are there; `grey` comes later, `full` is full, anybody else is unknown. */
const USERS = ['ada', 'bob', 'grey', 'full']

export async function startPostfix(): Promise<Postfix> {
  const folder = await scratchFolder('postfix')
  const [auth = 0, submission = 0, tls = 0, client = 0, plain = 0] = await freePorts(5)
  const ports = { submission, tls, client, plain }
  const at = (...names: string[]) => join(folder.path, ...names)
  let dovecot: Child | undefined
  // Its master leaves the group of this process, and is to end with it all the same.
  const postfix = (command: string) =>
    spawnSync('/usr/sbin/postfix', ['-c', at('etc'), command], { stdio: 'ignore' }).status
  const stopPostfix = () => void postfix('stop')
  process.prependOnceListener('exit', stopPostfix)
  const stop = async () => {
    stopPostfix()
    process.off('exit', stopPostfix)
    await dovecot?.stop()
    folder.remove()
  }
  try {
    for (const name of ['etc', 'queue', 'data', 'mail', 'dovecot']) await mkdir(at(name))
    const user = idOf('-u')
    await chown(at('data'), user, idOf('-g'))
    await chown(at('mail'), user, idOf('-g'))
    await writeFile(at('dovecot', 'users'), `${LOGIN.SMTP_USER}:{PLAIN}${LOGIN.SMTP_PASSWORD}\n`, { mode: 0o644 })
    await writeFile(at('dovecot', 'dovecot.conf'), dovecotConf(at('dovecot'), auth))
    await writeFile(at('etc', 'main.cf'), mainCf(folder.path, auth))
    await writeFile(at('etc', 'master.cf'), masterCf(ports))
    dovecot = startChild('/usr/sbin/dovecot', ['-F', '-c', at('dovecot', 'dovecot.conf')])
    await listeningOn(auth, dovecot.died)
    if (postfix('start') !== 0) throw new Error(await readFile(at('data', 'log'), 'utf8'))
    await Promise.all(Object.values(ports).map((port) => listeningOn(port, NEVER)))
  } catch (error) {
    await stop()
    throw error
  }
  const mails = async (name: string) => {
    const inbox = at('mail', name, 'new')
    const files = await readdir(inbox).catch(() => []) // made with the first mail
    return Promise.all(files.map(async (file) => PostalMime.parse(await readFile(join(inbox, file)))))
  }
  return { ports, mails, stop }
}

/** Of a server that says in its log alone how it ended. */
const NEVER = new Promise<string>(() => undefined)

const idOf = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'postfix'], { encoding: 'utf8' }))

const dovecotConf = (folder: string, port: number) => `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
protocols =
ssl = no
auth_mechanisms = plain login cram-md5
auth_username_chars =
# Else a wrong password is paid for by those who come after.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = ${port}
  }
}
`

function mainCf(folder: string, auth: number): string {
  const { server, authority } = testCertificates()
  const boxes = USERS.map((name) => `{${name}@example.org = ${name}/}`).join(', ')
  return `
compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file = ${folder}/data/log
maillog_file_prefixes = ${folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mynetworks =
mydestination =
alias_maps =
local_recipient_maps =
relay_domains =
default_transport = error:nothing leaves this machine
virtual_mailbox_domains = example.org
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = inline:{ ${boxes} }
virtual_uid_maps = static:${idOf('-u')}
virtual_gid_maps = static:${idOf('-g')}
virtual_minimum_uid = 1
smtpd_tls_chain_files = ${server.keyFile}, ${server.certificateFile}
notify_classes =
smtpd_tls_CAfile = ${authority.certificateFile}
smtpd_tls_received_header = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${auth}
smtpd_sasl_authenticated_header = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{
    {grey@example.org = 450 4.2.0 Greylisted}, {full@example.org = 452 4.2.2 Mailbox full} }
smtpd_sender_restrictions = check_sender_access inline:{ {banned@example.org = 554 5.7.1 Not you} }
message_size_limit = 100000
smtputf8_enable = yes
`
}

function masterCf({ submission, tls, client, plain }: Postfix['ports']): string {
  const login = '-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject'
  const starttls = '-o smtpd_tls_security_level=encrypt'
  return `
127.0.0.1:${submission} inet n - n - - smtpd ${starttls} ${login}
127.0.0.1:${tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes ${login}
127.0.0.1:${client} inet n - n - - smtpd ${starttls} -o smtpd_tls_ask_ccert=yes -o smtpd_tls_req_ccert=yes
127.0.0.1:${plain} inet n - n - - smtpd -o smtpd_tls_security_level=none
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}
