/** A mail template as text, by the rule in wrangler.toml. Only a Worker imports them: other runtimes read the folder. */
declare module '*.eml' {
  const source: string
  export default source
}
