/** Examples of the commands about what has left the log. */
export const archiveExamples: Readonly<Record<string, string>> = {
  archive: `
  reprise archive ls
  reprise archive verify --archive file:/srv/archive`,
  "archive run": `
  reprise archive run --dry-run
  reprise archive run --reason "the quarter is closed"
  reprise archive run --log sqlite:./data`,
  "archive ls": `
  reprise archive ls
  reprise archive ls --archive s3://company-archive/reprise -o json`,
  "archive restore": `
  reprise archive restore order/o-1 --reason "asked for by the auditor"
  reprise archive restore --all --log sqlite:./restored --archive file:/srv/archive`,
  "archive verify": `
  reprise archive verify
  reprise archive verify --archive file:/srv/archive --log sqlite:./data`,
};
