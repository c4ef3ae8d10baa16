// Prints one line of JSON for each audit of the GraphQL endpoint that is named on the command line.
import { auditServer } from "graphql-http";

const url = process.argv.at(-1);
for (const { id, name, status, reason } of await auditServer({ url })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
