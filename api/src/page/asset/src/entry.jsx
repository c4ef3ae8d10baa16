// The GraphiQL page: one bundle, nothing from another host. What the page must know stands in
// the data attributes of its root element, because the Content-Security-Policy allows no inline script.
import React from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { fetcher } from "./fetcher.js";

import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

const root = document.getElementById("graphiql");
const asked = new URLSearchParams(window.location.search);

// A link may carry an operation; it is shown, never run by itself.
function fromLink(name) {
  return asked.get(name) ?? undefined;
}

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher(root.dataset.endpoint)}
      defaultQuery={root.dataset.query}
      query={fromLink("query")}
      variables={fromLink("variables")}
      operationName={fromLink("operationName")}
      plugins={[explorerPlugin()]}
      defaultEditorToolsVisibility="headers"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <a className="launchway-logo" href={root.dataset.docs}>{root.dataset.title}</a>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(root).render(<Page />);
