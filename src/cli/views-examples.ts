/** Examples of the commands about the views. */
export const viewsExamples: Readonly<Record<string, string>> = {
  views: `
  reprise views verify
  reprise views rebuild`,
  "views verify": `
  reprise views verify --log sqlite:./data
  reprise views verify --log esdb://localhost:2113?tls=false --data ./data -o json`,
  "views rebuild": `
  reprise views rebuild --reason 'the disk was restored'`,
};
