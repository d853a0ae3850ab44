/** The four runtimes, each ready to perform the tasks of the contract of providers. */
import { type RuntimeName as ChildName, startRuntime } from '../../support/runtimes.ts'
import { startWorker } from '../../support/workerd.ts'
import type { Perform } from './tasks.ts'

export const RUNTIMES = ['node', 'deno', 'bun', 'workerd'] as const
export type RuntimeName = (typeof RUNTIMES)[number]
export type Runtime = { readonly perform: Perform; readonly stop: () => Promise<unknown> }

export const startProviders = (name: RuntimeName): Promise<Runtime> =>
  name === 'workerd' ? startWorkerd() : startChild(name)

async function startChild(name: ChildName): Promise<Runtime> {
  const child = await startRuntime(name, {
    script: new URL('./main.ts', import.meta.url),
    args: [name],
    env: { HTTP_PROXY: undefined, HTTPS_PROXY: undefined },
    ready: /^listening on (http:\S+)$/,
    timeoutMs: 60_000,
  })
  return {
    perform: performOver((body) => fetch(child.url, { method: 'POST', body })),
    stop: () => child.stop('SIGKILL'),
  }
}

async function startWorkerd(): Promise<Runtime> {
  const miniflare = await startWorker(new URL('./worker.ts', import.meta.url))
  const { href } = await miniflare.ready
  return {
    perform: performOver((body) => fetch(href, { method: 'POST', body })),
    stop: () => miniflare.dispose(),
  }
}

function performOver(post: (body: string) => Promise<Response>): Perform {
  const perform = async (task: Parameters<Perform>[0]): Promise<unknown> => {
    const response = await post(JSON.stringify(task))
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  return perform as Perform // written by tasks.ts
}
