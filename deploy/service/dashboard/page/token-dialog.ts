/** Asks a person for the token, once per tab. */
import { token } from './api.ts';
import { byId, setText } from './dom.ts';

/**
 * @param why Stands above the field.
 * @returns Whether there is a token now.
 */
export function askForToken(why: string): Promise<boolean> {
  const dialog = byId('token') as HTMLDialogElement;
  const field = byId('token-text') as HTMLInputElement;
  setText(byId('token-why'), why);
  field.value = '';
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        const said = dialog.returnValue === 'use' ? field.value.trim() : '';
        field.value = '';
        dialog.returnValue = '';
        if (said !== '') token.set(said);
        resolve(said !== '');
      },
      { once: true },
    );
  });
}
