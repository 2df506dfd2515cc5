/** Static files, for any server; leave it out where Next serves the site. */
export default { output: "export" };
