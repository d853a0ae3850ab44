/** The version of this otpost: that of package.json, which `test/version.test.ts` compares. */
export default '0.1.0'
