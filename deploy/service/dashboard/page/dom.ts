/**
 * Elements made from data. Data become text and attributes, never markup: nothing in this folder
 * parses HTML, and the policy under which the page is served forbids it (`../assets.ts`).
 */
import { shown } from './format.ts';

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element; `undefined` and `false` leave an attribute out, strings among the children become text. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...children.map((child) => (typeof child === 'string' ? shown(child) : child)));
  return made;
}

/** Sets or removes an attribute, if it is not so already. */
export function setAttribute(
  on: Element,
  name: string,
  value: string | number | boolean | undefined,
): void {
  const text = value === true ? '' : value === false ? undefined : value?.toString();
  if (text === undefined) {
    if (on.hasAttribute(name)) on.removeAttribute(name);
  } else if (on.getAttribute(name) !== shown(text)) on.setAttribute(name, shown(text));
}

/** Sets the text, if it is not so already: an unchanged page is not laid out again. */
export function setText(on: Element, text: string): void {
  const visible = shown(text);
  if (on.textContent !== visible) on.textContent = visible;
}

/** A custom property for the style sheet. */
export function setProperty(on: HTMLElement, name: `--${string}`, value: string): void {
  if (on.style.getPropertyValue(name) !== value) on.style.setProperty(name, value);
}

/** The element of the page with that id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** What stands for one item of a list. */
export interface Row<Item> {
  readonly node: HTMLElement;
  update(item: Item): void;
}

/**
 * Keeps the children of `parent` those of a list: an item keeps its element for as long as its key is
 * there, so that focus, selection and scroll positions survive news.
 *
 * @returns Shows another list. Of items with the same key the first is shown.
 */
export function keyedChildren<Item>(
  parent: HTMLElement,
  keyOf: (item: Item) => string,
  make: (item: Item) => Row<Item>,
): (items: readonly Item[]) => void {
  let rows = new Map<string, Row<Item>>();
  return (items) => {
    const next = new Map<string, Row<Item>>();
    let place = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      if (next.has(key)) continue;
      const row = rows.get(key) ?? make(item);
      row.update(item);
      next.set(key, row);
      if (row.node === place) place = place.nextElementSibling;
      else parent.insertBefore(row.node, place);
    }
    for (const [key, row] of rows) if (!next.has(key)) row.node.remove();
    rows = next;
  };
}
