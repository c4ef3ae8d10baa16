// Builds elements. Text is always text: no string of the document ever becomes HTML.

export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}

export function replace(parent, ...children) {
  parent.replaceChildren(...flat(children));
  return parent;
}

// A part that is built when it is first opened: schemas may go round in circles, and documents may be large.
export function fold(name, summary, build, open = false) {
  const body = h("div.fold-body");
  const element = h(`details.${name}`, { open }, h("summary", null, summary), body);
  const fill = () => {
    if (element.open && !body.hasChildNodes()) replace(body, build());
  };
  element.addEventListener("toggle", fill);
  fill();
  return element;
}
