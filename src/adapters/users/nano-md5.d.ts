/** nano-md5 ships no types; this is the one function that is used. */
declare module 'nano-md5' {
  const md5: { readonly crypt: (password: string, setting?: string) => string }
  export default md5
}
