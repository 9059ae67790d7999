// What is drawn in lines: elements of SVG.

function makeShape(tag, attributes, ...children) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  shape.append(...children);
  return shape;
}

const makePicture = (attributes, ...children) => makeShape("svg", { role: "img", ...attributes }, ...children);
