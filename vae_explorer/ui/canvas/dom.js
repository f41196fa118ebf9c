// Elements of the page, made in one line.

export function newButton(text, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", click);
  return button;
}

export function element(tag, className = "") {
  return Object.assign(document.createElement(tag), { className });
}
