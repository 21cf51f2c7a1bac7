/** Where a popover goes: beside its button, so that it is in the same landmark and next in the order of focus. */
export function inside(button: HTMLElement): HTMLElement {
  return button.parentElement ?? document.body;
}
